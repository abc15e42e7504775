/** The faults, each with its switch; and the alarms that say which are on, wherever one looks. */

import { choice } from "./choice.js";
import { byId, element, fill, show } from "./dom.js";
import { ask } from "./live.js";

/** Shows the switches and the alarms. */
export function showFaults(world, complain) {
  const faults = world.board.get("faults") ?? [];
  const on = faults.filter((fault) => fault.on);
  fill(byId("tab-faults").querySelector("span"), on.length ? String(on.length) : "");
  show(byId("panel-faults"), faults, () =>
    ["Slack", "Flyte"].map((end) => group(end, faults.filter((fault) => fault.end === end), complain)));
  show(byId("alarms"), on, () => on.map(alarm));
}

function alarm({ name, end, title }) {
  const onclick = () => choice.set({ tab: "faults", pane: "details" });
  return element("button", { id: `alarm-${name}`, type: "button", onclick }, `${end}: ${title.toLowerCase()}`);
}

function group(end, faults, complain) {
  return element(
    "section",
    { "aria-label": `Faults of ${end}` },
    element("h2", {}, end),
    faults.map((fault) => toggle(fault, complain)),
  );
}

function toggle(fault, complain) {
  return element(
    "button",
    {
      id: `fault-${fault.name}`,
      type: "button",
      className: "switch",
      role: "switch",
      "aria-checked": String(fault.on),
      onclick: () => ask("switch", { fault: fault.name, on: !fault.on }).catch(complain),
    },
    element("span", { className: "words" }, element("strong", {}, fault.title), element("span", {}, fault.effect)),
    element("span", { className: "knob", "aria-hidden": "true" }),
  );
}
