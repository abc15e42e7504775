/** The fault switches, and the badges in the header for those that are on. */

import { act } from "./client.js";
import { button, byId, element, fill, render } from "./dom.js";
import { selection } from "./selection.js";

/** Renders the switches and the badges. */
export function renderFaults({ feed }) {
  const faults = feed.get("faults") ?? [];
  const active = faults.filter((fault) => fault.on);
  fill(byId("tab-faults").querySelector("span"), active.length ? String(active.length) : "");
  render(byId("panel-faults"), faults, () =>
    [...new Set(faults.map(({ server }) => server))].map((server) => switchGroup(server, faults.filter((fault) => fault.server === server))));
  render(byId("active-faults"), active, () => active.map(badge));
}

function badge({ name, server, title }) {
  const onclick = () => selection.set({ tab: "faults", pane: "details" });
  return button(`${server}: ${title.toLowerCase()}`, { id: `active-${name}`, onclick });
}

function switchGroup(server, faults) {
  return element("section", { "aria-label": `Faults of ${server}` }, element("h2", {}, server), faults.map(faultSwitch));
}

function faultSwitch({ name, on, title, effect }) {
  return button([
    element("span", { className: "label" }, element("strong", {}, title), element("span", {}, effect)),
    element("span", { className: "knob", "aria-hidden": "true" }),
  ], {
    id: `fault-${name}`,
    className: "switch",
    role: "switch",
    "aria-checked": String(on),
    onclick: () => act("set-fault", { fault: name, on: !on }),
  });
}
