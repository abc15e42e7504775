/** The flow editor: texts are validated while they are typed, and run as soon as they are valid. */

import { act } from "./client.js";
import { button, byId, element, enableArrowKeys, fill, render } from "./dom.js";
import { selection } from "./selection.js";

const SAVE_DELAY_MS = 250; // after the last key
const TEMPLATE = `name: my_flow
description: Replies to greetings
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

let saveTimer = 0;
let isUnsaved = false;
let createdFlow = ""; // a new flow, which gets the focus once it is rendered

/** Sets up the event listeners. */
export function initFlows() {
  const text = byId("flow-text");
  const list = byId("flow-list");
  text.addEventListener("input", () => {
    isUnsaved = true;
    renderLineNumbers();
    clearTimeout(saveTimer);
    saveTimer = setTimeout(save, SAVE_DELAY_MS);
  });
  text.addEventListener("scroll", () => (byId("line-numbers").scrollTop = text.scrollTop));
  text.addEventListener("blur", () => isUnsaved && save());
  enableArrowKeys(list, () => [...list.querySelectorAll("button")], (item) => (item.focus(), item.click()));
  byId("new-flow").addEventListener("click", create);
  byId("delete-flow").addEventListener("click", () => act("delete-flow", { flow: text.dataset.flow }));
}

/** Renders the list of flows, and the text of the selected one unless it is being edited. */
export function renderFlows({ feed }) {
  const flows = feed.under("flow/").sort(([one], [other]) => one.localeCompare(other, "en", { numeric: true }));
  byId("tab-flows").querySelector("span").textContent = flows.length ? String(flows.length) : "";
  const [selectedId, selected] = flows.find(([id]) => id === selection.get("flow")) ?? flows[0] ?? ["", null];
  render(byId("flow-list"), [flows, selectedId], () => flows.map(([id, flow]) => flowItem(id, flow, id === selectedId)));
  renderText(selectedId, selected);
}

function flowItem(id, { name, error }, isSelected) {
  const [tone, label] = error ? ["bad", "has an error"] : ["good", "running"];
  return element("li", {}, button(
    [element("span", { className: `dot ${tone}`, role: "img", "aria-label": label }), name || "unnamed"],
    { id: `flow-${id}`, "aria-pressed": String(isSelected), onclick: () => selection.set({ flow: id }) },
  ));
}

function renderText(id, flow) {
  const text = byId("flow-text");
  const isOther = text.dataset.flow !== id;
  if (isOther || (!isUnsaved && document.activeElement !== text)) text.value = flow?.text ?? "";
  text.dataset.flow = id;
  text.disabled = !flow;
  byId("delete-flow").hidden = !flow;
  if (isOther) isUnsaved = false;
  renderState(flow);
  renderFindings(flow?.findings ?? []);
  renderLineNumbers(flow?.line);
  if (createdFlow === id) {
    createdFlow = "";
    text.focus();
  }
}

function renderState(flow) {
  const state = byId("flow-state");
  const goToError = byId("go-to-error");
  byId("flow-text").setAttribute("aria-invalid", String(Boolean(flow?.error)));
  state.className = flow?.error ? "bad" : "good";
  goToError.hidden = !flow?.line;
  goToError.onclick = () => selectError(flow.line, flow.column);
  if (!flow) return fill(state, "There are no flows.");
  if (!flow.error) return fill(state, "Running in this simulation. Files on disk stay unchanged.");
  const location = flow.line ? `Line ${flow.line}${flow.column ? `, column ${flow.column}` : ""}: ` : "";
  fill(state, `${location}${flow.error}. ${flow.is_running ? "The last valid version keeps running." : "Not running yet."}`);
}

/** Renders what the linter finds; a press selects the place. */
function renderFindings(findings) {
  const list = byId("flow-findings");
  list.hidden = findings.length === 0;
  render(list, findings, () => findings.map(({ line, column, message }, index) => element("li", {}, button(
    `${line ? `Line ${line}, column ${column}: ` : ""}${message}`,
    { id: `finding-${index}`, onclick: () => selectError(line, column) },
  ))));
}

/** Renders the line numbers, with the one of the error highlighted. */
function renderLineNumbers(errorLine = Number(byId("line-numbers").dataset.error ?? 0)) {
  const numbers = byId("line-numbers");
  const text = byId("flow-text");
  numbers.dataset.error = errorLine;
  fill(numbers, text.value.split("\n").map((_, index) =>
    element("span", { className: index + 1 === errorLine ? "bad" : "" }, `${index + 1}\n`)));
  numbers.scrollTop = text.scrollTop;
}

function selectError(line, column) {
  const text = byId("flow-text");
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  text.focus();
  text.setSelectionRange(start + Math.max(column - 1, 0), start + (lines[line - 1]?.length ?? 0));
}

function save() {
  clearTimeout(saveTimer);
  isUnsaved = false;
  const text = byId("flow-text");
  act("update-flow", { flow: text.dataset.flow, text: text.value });
}

async function create() {
  const result = await act("create-flow", { text: TEMPLATE });
  if (!result) return;
  createdFlow = result.flow;
  selection.set({ flow: createdFlow });
}
