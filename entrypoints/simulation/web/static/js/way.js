/** The way of the chosen message: every station with its time. */

import { choice } from "./choice.js";
import { byId, duration, element, show } from "./dom.js";
import { STATIONS, stage, verdict, waitsFor } from "./stages.js";
import { plain } from "./text.js";

const PLACES = { slack: "Slack", pack: "Pack", flyte: "Flyte" };
const opened = new Set(); // the details that people opened, by the way's key and the station's number

/** Shows the way of the chosen message, or of the one that a chosen answer belongs to. */
export function showWay(world) {
  const chosen = choice.get("message");
  const key = world.causes().get(chosen) ?? chosen;
  const [way, card] = [world.board.get(`way/${key}`), world.board.get(`message/${key}`)];
  show(byId("panel-way"), [chosen, key, way, card], () => parts(world, key, way, card, key !== chosen));
}

function parts(world, key, way, card, isOfAnswer) {
  if (!card) return hint("Choose a message to see its way through the pack.");
  if (!way) return [quote(world, card), hint(nowhere(card))];
  const { look, words } = stage(way);
  return [
    isOfAnswer ? hint("This answers:") : null,
    quote(world, card),
    element("p", { className: `outcome ${look}` }, words),
    lanes(),
    element("ol", { className: "stations" }, way.stations.map((station, index) => item(world, key, station, index, way)), end(way, key)),
  ];
}

const hint = (words) => element("p", { className: "hint" }, words);

/** Counts on for a message that waits. */
export function tick() {
  for (const clock of document.querySelectorAll(".waiting-for time")) {
    clock.textContent = duration(Math.max(0, Date.now() - Number(clock.dataset.since)));
  }
}

function nowhere(card) {
  if (card.is_notice) return "Slack says so itself: there is no way to show.";
  return card.is_bot ? "It answers no message that is known here." : "Nothing is known of its way.";
}

function quote(world, card) {
  const text = plain(card.text, world.name);
  return element("blockquote", { className: "chosen" }, element("strong", {}, card.name), ` ${text.slice(0, 200)}`);
}

function lanes() {
  const names = Object.entries(PLACES).map(([place, name]) => element("span", { className: place }, name));
  return element("p", { className: "lanes", "aria-hidden": "true" }, names);
}

function item(world, key, station, index, way) {
  const [place, words] = station.kind === "step" ? ["flyte", verdict] : STATIONS[station.kind];
  const before = index ? way.stations[index - 1].ms : 0;
  const title = [element("span", { className: "place-name" }, `${PLACES[place]}: `), words(station)];
  const time = element("time", { title: `${duration(Math.max(0, station.ms - before))} after the one before` }, duration(station.ms));
  const details = detailsOf(world, station);
  const look = `${place} ${lookOf(station)}`;
  if (details.length === 0) return element("li", { className: look }, element("p", { className: "head" }, element("span", {}, title), time));
  const name = `${key}#${index}`;
  const isOpenFirst = isOpenAtFirst(station, way);
  const isOpen = opened.has(name) !== isOpenFirst;
  return element("li", { className: look }, element(
    "details",
    { open: isOpen, ontoggle: (event) => remember(name, event.target.open !== isOpenFirst) },
    element("summary", { id: `station-${index}`, className: "head" }, element("span", {}, title), time),
    ...details,
  ));
}

function remember(name, isOther) {
  if (isOther) opened.add(name);
  else opened.delete(name);
}

/** What is worth seeing at once: failures, and why no flow ran if none did. The rest can be opened. */
function isOpenAtFirst({ kind, outcome, is_good }, way) {
  if (outcome === "unmatched") return !way.stations.some((station) => station.outcome === "matched");
  return outcome === "failed" || is_good === false || kind === "set_aside";
}

function lookOf(station) {
  if (station.outcome === "failed" || station.is_good === false) return "bad";
  if (["refused", "given_up", "set_aside"].includes(station.kind)) return "bad";
  if (station.outcome === "matched" || station.is_good) return "good";
  return station.outcome === "unmatched" || station.kind === "no_flow" ? "muted" : "";
}

function detailsOf(world, station) {
  const json = (value) => element("pre", {}, JSON.stringify(value, null, 2));
  switch (station.kind) {
    case "step":
      return criteria(station);
    case "command":
      return station.input === null ? [] : [json(station.input)];
    case "answered":
      return [json(station.payload)];
    case "sent":
      return [element("p", { className: "posted" }, plain(station.text, world.name))];
    case "set_aside":
      return [element("p", {}, station.reason)];
    default:
      return [];
  }
}

function criteria({ criteria, rendered, seen = [] }) {
  if (!criteria) return [];
  const facts = [...seen, ["renders to", rendered]].filter(([, value]) => value !== "");
  return [
    element("pre", {}, criteria),
    element("dl", { className: "facts" }, facts.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
  ];
}

function end(way, key) {
  const reason = waitsFor(way);
  const leftOut = way.left_out ? element("li", { className: "muted" }, `${way.left_out} more are not shown`) : null;
  if (!reason) return leftOut;
  const since = Number(key.split("/")[1]) * 1000 + (way.stage === "delivered" ? way.last_ms : 0);
  const time = element("time", {}, duration(Math.max(0, Date.now() - since)));
  time.dataset.since = since;
  return [leftOut, element("li", { className: "waiting-for" }, element("p", { className: "head" }, element("span", {}, reason), time))];
}
