/** The left side: the channels, the people, and adding to both. */

import { choice } from "./choice.js";
import { arrows, byId, element, show } from "./dom.js";
import { ask } from "./live.js";

/** Sets up what stays. `complain` tells people why something was not done. */
export function setUpPlaces(complain) {
  for (const id of ["rooms", "people"]) {
    const list = byId(id);
    arrows(list, () => [...list.querySelectorAll("button")], (button) => button.focus());
  }
  adding("new-room", "add-room", ({ room }) => choice.set({ room, pane: "talk" }), complain);
  adding("new-person", "add-person", ({ person }) => choice.set({ person }), complain);
}

/** Shows the channels and the people. */
export function showPlaces(world, complain) {
  const waiting = waitingIn(world);
  const { rooms, room, everybody, people, person } = world;
  show(byId("rooms"), [rooms, room?.id, everybody, person?.id, [...waiting]], () => [
    world.channels.map((one) => roomItem(world, one, waiting)),
    directItem(world, complain),
  ]);
  show(byId("people"), [people, person?.id], () => people.map((one) => personItem(world, one)));
}

/** The avatar of somebody: the first letter, in a colour of their own. */
export function avatar(name, isBot) {
  const hue = [...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6;
  const look = isBot ? "avatar bot" : `avatar hue-${hue}`;
  return element("span", { className: look, "aria-hidden": "true" }, [...name][0]?.toUpperCase() ?? "?");
}

function roomItem(world, room, waiting) {
  const isHere = room.id === world.room?.id;
  const count = waiting.get(room.id) ?? 0;
  return element("li", {}, element(
    "button",
    {
      id: `room-${room.id}`,
      type: "button",
      className: world.hasBot(room) ? "place" : "place deaf",
      "aria-current": String(isHere),
      onclick: () => enter(room.id),
    },
    element("span", { className: "sign", "aria-hidden": "true" }, room.kind === "group" ? "◆" : "#"),
    element("span", { className: "name" }, room.name),
    world.hasBot(room) ? null : element("span", { className: "note" }, `no ${world.bot?.handle}`),
    count ? element("span", { className: "count", title: "waiting" }, String(count)) : null,
  ));
}

function directItem(world, complain) {
  const room = world.directOf(world.person);
  const open = async () => {
    const answer = room ?? (await ask("open-direct", { person: world.person.id }).catch(complain));
    if (answer) enter(answer.id ?? answer.room);
  };
  return element("li", {}, element(
    "button",
    {
      id: "room-direct",
      type: "button",
      className: "place",
      "aria-current": String(room !== undefined && room.id === world.room?.id),
      onclick: open,
    },
    element("span", { className: "sign", "aria-hidden": "true" }, "@"),
    element("span", { className: "name" }, world.bot?.handle ?? ""),
    element("span", { className: "note" }, "direct"),
  ));
}

function personItem(world, person) {
  return element("li", {}, element(
    "button",
    {
      id: `person-${person.id}`,
      type: "button",
      className: "place",
      "aria-pressed": String(person.id === world.person?.id),
      onclick: () => choice.set({ person: person.id }),
    },
    avatar(person.name, false),
    element("span", { className: "name" }, person.name),
  ));
}

function enter(room) {
  choice.set({ room, thread: "", editing: "", pane: "talk" });
}

/** How many messages wait in each room. */
function waitingIn(world) {
  const counts = new Map();
  for (const [key, way] of world.board.under("way/")) {
    if (way.stage !== "at_slack" && way.stage !== "in_pack") continue;
    const room = key.split("/")[0];
    counts.set(room, (counts.get(room) ?? 0) + 1);
  }
  return counts;
}

function adding(id, deed, then, complain) {
  const form = byId(id);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = form.elements.name.value.trim();
    if (!name) return;
    try {
      const answer = await ask(deed, { name });
      form.reset();
      then(answer);
    } catch (error) {
      complain(error);
    }
  });
}
