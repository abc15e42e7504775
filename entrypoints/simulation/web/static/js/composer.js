/** Below the conversation: saying something, replying, editing. */

import { choice } from "./choice.js";
import { byId, element, show } from "./dom.js";
import { ask } from "./live.js";
import { plain, typed } from "./text.js";

let latest = ""; // the key of what this page said last

/** Sets up what stays. `goUp` takes the keyboard to the latest message. */
export function setUpComposer(world, complain, goUp) {
  byId("composer-person").addEventListener("change", (event) => choice.set({ person: event.target.value }));
  byId("composer-mode").querySelector("button").addEventListener("click", () => stopAside());
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send(world(), complain);
  });
  const text = byId("composer-text");
  text.addEventListener("input", () => fit(text));
  text.addEventListener("keydown", (event) => onTyping(event, world(), complain, goUp));
}

/** Shows as whom, where and what for people write. */
export function showComposer(world) {
  const room = world.room;
  if (!room) return;
  const people = byId("composer-person");
  show(people, world.people, () => world.people.map(({ id, name }) => element("option", { value: id }, name)));
  people.value = world.person?.id;
  byId("composer-text").placeholder = `Say something in ${world.label(room)}`;
  const editing = choice.get("editing");
  const parent = choice.get("thread") && world.board.get(`message/${room.id}/${choice.get("thread")}`);
  const mode = byId("composer-mode");
  mode.hidden = !editing && !parent;
  mode.querySelector("span").textContent = editing
    ? "Editing the message"
    : parent ? `In the thread of “${plain(parent.text, world.name).slice(0, 60)}”` : "";
  byId("send").textContent = editing ? "Save" : "Send";
}

/** Where a message stands, as deeds name it. */
export function place(key) {
  const [room, ts] = key.split("/");
  return { room, ts };
}

/** Begins a reply to a message, in its thread. */
export function reply(key, card) {
  choice.set({ thread: card.thread || place(key).ts, editing: "", pane: "talk" });
  byId("composer-text").focus();
}

/** Begins to edit a message. */
export function edit(world, key, card) {
  choice.set({ editing: key, thread: "", pane: "talk" });
  const text = byId("composer-text");
  text.value = typed(card.text, world.name);
  fit(text);
  text.focus();
}

function stopAside() {
  if (choice.get("editing")) byId("composer-text").value = "";
  choice.set({ thread: "", editing: "" });
  byId("composer-text").focus();
}

function onTyping(event, world, complain, goUp) {
  if (event.isComposing) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    send(world, complain);
  } else if (event.key === "Escape") {
    stopAside();
  } else if (event.key === "ArrowUp" && event.target.value === "") {
    event.preventDefault();
    goUp();
  }
}

async function send(world, complain) {
  const field = byId("composer-text");
  const text = field.value;
  if (!text.trim()) return;
  const editing = choice.get("editing");
  const thread = choice.get("thread");
  field.value = "";
  fit(field);
  try {
    if (editing) {
      await ask("edit", { ...place(editing), text });
      choice.set({ editing: "" });
    } else {
      await say({ person: world.person.id, room: world.room.id, text, thread });
    }
  } catch (error) {
    field.value ||= text;
    fit(field);
    complain(error);
  }
}

/** Says it and shows its way, unless people have chosen another message meanwhile. */
async function say(particulars) {
  const before = choice.get("message");
  const { ts } = await ask("say", particulars);
  if (![before, latest].includes(choice.get("message"))) return;
  latest = `${particulars.room}/${ts}`;
  choice.set({ message: latest, tab: "way" });
  byId("messages").scrollTop = byId("messages").scrollHeight;
}

/** As high as its text, up to a bound. */
function fit(field) {
  field.rows = Math.min(field.value.split("\n").length, 8);
}
