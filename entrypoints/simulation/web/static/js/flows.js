/** The flow editor: texts are validated while they are typed, and run as soon as they are valid. */

import { act } from "./client.js";
import { button, byId, element, enableArrowKeys, fill, render, showError, showNotice } from "./dom.js";
import { selection } from "./selection.js";

const UPDATE_DELAY_MS = 250; // after the last key
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

let updateTimer = 0;
let isUnsent = false; // whether the server lacks what was typed
let received = ""; // the latest text from the server
let createdFlow = ""; // a new flow, which gets the focus once it is rendered
let shown = null; // the flow in the editor
let conflict = ""; // the id of the flow whose file has changed on disk

/** Sets up the event listeners. */
export function initFlows() {
  const text = byId("flow-text");
  const list = byId("flow-list");
  text.addEventListener("input", () => {
    isUnsent = true;
    renderLineNumbers();
    clearTimeout(updateTimer);
    updateTimer = setTimeout(send, UPDATE_DELAY_MS, "update-flow");
  });
  text.addEventListener("keydown", onKey);
  text.addEventListener("scroll", () => (byId("line-numbers").scrollTop = text.scrollTop));
  text.addEventListener("blur", () => isUnsent && send("update-flow"));
  enableArrowKeys(list, () => [...list.querySelectorAll("button")], (item) => (item.focus(), item.click()));
  byId("new-flow").addEventListener("click", create);
  byId("copy-flow").addEventListener("click", copy);
  byId("download-flow").addEventListener("click", download);
  byId("save-flow").addEventListener("click", save);
  byId("load-flow").addEventListener("click", load);
  byId("delete-flow").addEventListener("click", () => act("delete-flow", { flow: text.dataset.flow }));
}

/** Ctrl+S and Cmd+S save, where there is a file. */
function onKey(event) {
  if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (shown?.file) save();
}

/** Renders the list of flows, and the text of the selected one unless it is being edited. */
export function renderFlows({ feed }) {
  const flows = feed.under("flow/").sort(([one], [other]) => one.localeCompare(other, "en", { numeric: true }));
  byId("tab-flows").querySelector("span").textContent = flows.length ? String(flows.length) : "";
  const [selectedId, selected] = flows.find(([id]) => id === selection.get("flow")) ?? flows[0] ?? ["", null];
  render(byId("flow-list"), [flows, selectedId], () => flows.map(([id, flow]) => flowItem(id, flow, id === selectedId)));
  renderText(selectedId, selected);
}

function flowItem(id, { name, error, findings }, isSelected) {
  const [tone, label] = error ? ["bad", "has an error"] : findings.length ? ["warning", "running, with mistakes"] : ["good", "running"];
  return element("li", {}, button(
    [element("span", { className: `dot ${tone}`, role: "img", "aria-label": label }), name || "unnamed"],
    { id: `flow-${id}`, "aria-pressed": String(isSelected), onclick: () => selection.set({ flow: id }) },
  ));
}

function renderText(id, flow) {
  const text = byId("flow-text");
  const isOther = text.dataset.flow !== id;
  if (isOther) [text.value, text.dataset.version] = ["", flow?.file?.version ?? ""];
  if (isOther || (!isUnsent && flow?.text !== received)) showText(flow?.text ?? "", flow?.file?.version);
  text.dataset.flow = id;
  text.disabled = !flow;
  shown = flow;
  for (const name of ["copy", "download", "delete"]) byId(`${name}-flow`).hidden = !flow;
  byId("save-flow").hidden = !flow?.file;
  byId("load-flow").hidden = conflict !== id || !flow;
  if (isOther) isUnsent = false;
  renderState(flow);
  renderFindings(flow?.findings ?? []);
  renderLineNumbers(flow?.line);
  if (createdFlow === id) {
    createdFlow = "";
    text.focus();
  }
}

/** Shows a text unless it stands there already; `version` is that of the file it was read from, if any. */
function showText(value, version = "") {
  const text = byId("flow-text");
  received = value;
  if (text.value === value) return;
  const { selectionStart, selectionEnd } = text;
  text.value = value;
  text.setSelectionRange(selectionStart, selectionEnd);
  text.dataset.version = version;
}

function renderState(flow) {
  const state = byId("flow-state");
  const goToError = byId("go-to-error");
  byId("flow-text").setAttribute("aria-invalid", String(Boolean(flow?.error)));
  state.className = flow?.error ? "bad" : "good";
  goToError.hidden = !flow?.line;
  goToError.onclick = () => selectError(flow.line, flow.column);
  if (!flow) return fill(state, "There are no flows.");
  if (!flow.error) return fill(state, `Running in this simulation. ${storage(flow)}`);
  const location = flow.line ? `Line ${flow.line}${flow.column ? `, column ${flow.column}` : ""}: ` : "";
  const end = flow.error.endsWith("?") ? "" : ".";
  fill(state, `${location}${flow.error}${end} ${flow.is_running ? "The last valid version keeps running." : "Not running yet."}`);
}

/** Tells where the text is kept. */
function storage({ file, is_saved: isSaved }) {
  if (!file) return "Changes end with it: copy or download them to keep them.";
  return isSaved ? `Saved in ${file.path}.` : `Not saved in ${file.path}.`;
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

/** Executes an action with the text in the editor. Returns its result. */
async function send(name, more = {}) {
  clearTimeout(updateTimer);
  const text = byId("flow-text");
  const sent = text.value;
  const result = await act(name, { flow: text.dataset.flow, text: sent, ...more });
  if (result && text.value === sent) isUnsent = false;
  return result;
}

async function copy() {
  const isCopied = await navigator.clipboard.writeText(byId("flow-text").value).then(() => true, () => false);
  if (isCopied) showNotice("Copied");
  else showError("The browser does not allow it: select the text, and copy it with the keyboard");
}

function download() {
  const url = URL.createObjectURL(new Blob([byId("flow-text").value], { type: "text/plain" }));
  const name = (shown.name || "flow").replace(/[^\w.-]+/g, "_");
  element("a", { href: url, download: `${name}.${shown.is_json ? "json" : "yaml"}` }).click();
  URL.revokeObjectURL(url);
}

async function save() {
  const text = byId("flow-text");
  const { flow, version } = text.dataset;
  const result = await send("save-flow", { version });
  conflict = result ? "" : flow;
  byId("load-flow").hidden = Boolean(result);
  if (!result) return;
  text.dataset.version = result.version;
  showNotice(`Saved to ${result.path}`);
}

async function load() {
  const { flow } = byId("flow-text").dataset;
  const result = await act("load-flow", { flow });
  if (!result) return;
  isUnsent = false;
  conflict = "";
  byId("load-flow").hidden = true;
  showText(result.text);
  byId("flow-text").dataset.version = result.version;
  renderLineNumbers();
  byId("flow-text").focus();
}

async function create() {
  const result = await act("create-flow", { text: TEMPLATE });
  if (!result) return;
  createdFlow = result.flow;
  selection.set({ flow: createdFlow });
}
