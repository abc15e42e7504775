/** The flows: written here, checked while they are typed, and run at once when nothing is wrong with them. */

import { choice } from "./choice.js";
import { arrows, byId, element, fill, show } from "./dom.js";
import { ask } from "./live.js";

const PAUSE = 250; // ms without a key until the text is sent
const TEMPLATE = `name: my_flow
description: Answers when somebody greets
steps:
- id: greet
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message | match: '^hello' }}"
  command:
    packName: Slack
    name: SendMessage
    input:
      channelId: "{{ Event.Payload.channelId }}"
      threadTimestamp: "{{ Event.Payload.threadTimestamp }}"
      message: "Hello <@{{ Event.Payload.user.id }}>!"
`;

let timer = 0;
let isUnsent = false;
let begun = ""; // the flow that waits to be shown, and written

/** Sets up what stays. */
export function setUpFlows(complain) {
  const text = byId("flow-text");
  text.addEventListener("input", () => {
    isUnsent = true;
    number();
    clearTimeout(timer);
    timer = setTimeout(() => send(complain), PAUSE);
  });
  text.addEventListener("scroll", () => (byId("line-numbers").scrollTop = text.scrollTop));
  text.addEventListener("blur", () => isUnsent && send(complain));
  arrows(byId("sheets"), () => [...byId("sheets").querySelectorAll("button")], (button) => (button.focus(), button.click()));
  byId("new-flow").addEventListener("click", () => begin(complain));
  byId("throw-away").addEventListener("click", () => ask("throw-away-flow", { flow: byId("flow-text").dataset.flow }).catch(complain));
}

/** Shows the flows, and the text of the chosen one unless it is being written. */
export function showFlows(world) {
  const sheets = world.board.under("flow/").sort(([one], [other]) => one.localeCompare(other, "en", { numeric: true }));
  byId("tab-flows").querySelector("span").textContent = sheets.length ? String(sheets.length) : "";
  const [chosen, sheet] = sheets.find(([id]) => id === choice.get("flow")) ?? sheets[0] ?? ["", null];
  show(byId("sheets"), [sheets, chosen], () => sheets.map(([id, one]) => sheetItem(id, one, id === chosen)));
  showSheet(chosen, sheet);
}

function sheetItem(id, sheet, isChosen) {
  const look = sheet.error ? "bad" : "good";
  const words = sheet.error ? "has a mistake" : "runs";
  return element("li", {}, element(
    "button",
    {
      id: `sheet-${id}`,
      type: "button",
      "aria-pressed": String(isChosen),
      onclick: () => choice.set({ flow: id }),
    },
    element("span", { className: `dot ${look}`, role: "img", "aria-label": words }),
    sheet.name || "unnamed",
  ));
}

function showSheet(id, sheet) {
  const text = byId("flow-text");
  const isOther = text.dataset.flow !== id;
  if (isOther || (!isUnsent && document.activeElement !== text)) text.value = sheet?.text ?? "";
  text.dataset.flow = id;
  text.disabled = !sheet;
  byId("throw-away").hidden = !sheet;
  if (isOther) isUnsent = false;
  showState(sheet);
  number(sheet?.line);
  if (begun === id) {
    begun = "";
    text.focus();
  }
}

function showState(sheet) {
  const state = byId("flow-state");
  const place = byId("flow-place");
  const text = byId("flow-text");
  state.className = sheet?.error ? "bad" : "good";
  text.setAttribute("aria-invalid", String(Boolean(sheet?.error)));
  place.hidden = !sheet?.line;
  if (!sheet) return fill(state, "There is no flow.");
  const where = sheet.line ? `Line ${sheet.line}${sheet.column ? `, column ${sheet.column}` : ""}: ` : "";
  const goesOn = sheet.is_running ? "What ran before goes on running." : "It does not run yet.";
  fill(state, sheet.error ? `${where}${sheet.error}. ${goesOn}` : "Runs as it is written here, in this simulation; files stay as they are.");
  place.onclick = () => goTo(sheet.line, sheet.column);
}

/** Writes the lines' numbers, the one with the mistake marked. */
function number(wrong = Number(byId("line-numbers").dataset.wrong ?? 0)) {
  const numbers = byId("line-numbers");
  numbers.dataset.wrong = wrong;
  const count = byId("flow-text").value.split("\n").length;
  fill(numbers, Array.from({ length: count }, (_, index) => element("span", index + 1 === wrong ? { className: "bad" } : {}, `${index + 1}\n`)));
  numbers.scrollTop = byId("flow-text").scrollTop;
}

function goTo(line, column) {
  const text = byId("flow-text");
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  text.focus();
  text.setSelectionRange(start + Math.max(column - 1, 0), start + (lines[line - 1]?.length ?? 0));
}

async function send(complain) {
  clearTimeout(timer);
  const text = byId("flow-text");
  isUnsent = false;
  await ask("write-flow", { flow: text.dataset.flow, text: text.value }).catch(complain);
}

async function begin(complain) {
  try {
    begun = (await ask("begin-flow", { text: TEMPLATE })).flow;
    choice.set({ flow: begun });
  } catch (error) {
    complain(error);
  }
}
