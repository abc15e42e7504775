/** The composer: posts messages and replies, and edits messages. */

import { act } from "./client.js";
import { initCommands, onCommandKey, parseCommand, renderCommands, runCommand } from "./commands.js";
import { byId, element, locate, render } from "./dom.js";
import { plainText, toTyped } from "./mrkdwn.js";
import { base64 } from "./places.js";
import { selection } from "./selection.js";

/** Sets up the event listeners. `focusMessages` moves the focus to the latest message. */
export function initComposer(getWorkspace, focusMessages) {
  byId("composer-person").addEventListener("change", ({ target }) => selection.set({ person: target.value }));
  byId("composer-mode").querySelector("button").addEventListener("click", cancelMode);
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit(getWorkspace());
  });
  const field = byId("composer-text");
  field.addEventListener("input", () => resize(field));
  field.addEventListener("keydown", (event) => onKey(event, getWorkspace(), focusMessages));
  byId("attach").addEventListener("change", ({ target }) => upload(getWorkspace(), target));
  initCommands(getWorkspace, complete);
}

/** Renders the speaker, the placeholder and the mode: a new message, a reply or an edit. */
export function renderComposer(workspace) {
  const { conversation, people, person } = workspace;
  if (!conversation) return;
  const select = byId("composer-person");
  render(select, people, () => people.map(({ id, name }) => element("option", { value: id }, name)));
  select.value = person?.id;
  byId("composer-text").placeholder = `Message ${workspace.label(conversation)}`;
  const editing = selection.get("editing");
  const thread = selection.get("thread");
  const parent = thread && workspace.feed.get(`message/${conversation.id}/${thread}`);
  const mode = byId("composer-mode");
  mode.hidden = !editing && !parent;
  mode.querySelector("span").textContent = editing
    ? "Editing the message"
    : parent ? `Replying to “${plainText(parent.text, workspace.nameOf).slice(0, 60)}”` : "";
  byId("send").textContent = editing ? "Save" : "Send";
  renderCommands(workspace);
}

/** Starts a reply in a message's thread. */
export function reply({ key, thread }) {
  selection.set({ thread: thread || locate(key).ts, editing: "", pane: "conversation" });
  byId("composer-text").focus();
}

/** Starts editing a message. */
export function edit(workspace, { key, text }) {
  selection.set({ editing: key, thread: "", pane: "conversation" });
  setText(toTyped(text, workspace.nameOf));
  byId("composer-text").focus();
}

function cancelMode() {
  if (selection.get("editing")) setText("");
  selection.set({ thread: "", editing: "" });
  byId("composer-text").focus();
}

/** Puts a slash command into the field, for its text to follow. */
function complete(command) {
  setText(`${command} `);
  byId("composer-text").focus();
  byId("composer-text").dispatchEvent(new Event("input"));
}

function onKey(event, workspace, focusMessages) {
  if (event.isComposing || onCommandKey(event, workspace, complete)) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    submit(workspace);
  } else if (event.key === "Escape") {
    cancelMode();
  } else if (event.key === "ArrowUp" && event.target.value === "") {
    event.preventDefault();
    focusMessages();
  }
}

async function submit(workspace) {
  const text = byId("composer-text").value;
  if (!text.trim()) return;
  const editing = selection.get("editing");
  setText("");
  const command = !editing && parseCommand(text);
  const isDone = editing
    ? await saveEdit(editing, text)
    : command ? await runCommand(workspace, command) : await post(workspace, text.replace(/^\/\//, "/"));
  if (!isDone && !byId("composer-text").value) setText(text);
}

async function saveEdit(key, text) {
  const isDone = await act("edit", { ...locate(key), text });
  if (isDone) selection.set({ editing: "" });
  return isDone;
}

/** Posts a message and shows its trace, unless another message has been selected meanwhile. */
async function post({ person, conversation }, text) {
  const before = selection.get("message");
  const args = { person: person.id, channel: conversation.id, text, thread: selection.get("thread") };
  const result = await act("say", args);
  if (result && selection.follow(before, `${conversation.id}/${result.ts}`)) byId("messages").scrollTop = byId("messages").scrollHeight;
  return result;
}

/** Posts the chosen files, with the text in the field beside the first one. */
async function upload({ person, conversation }, field) {
  const files = [...field.files];
  field.value = "";
  for (const file of files) {
    const text = byId("composer-text").value;
    const args = { person: person.id, channel: conversation.id, name: file.name, content: await base64(file), text, thread: selection.get("thread") };
    if (await act("upload", args)) setText("");
  }
}

function setText(text) {
  byId("composer-text").value = text;
  resize(byId("composer-text"));
}

/** Makes the field as high as its text, up to eight lines. */
function resize(field) {
  field.rows = Math.min(field.value.split("\n").length, 8);
}
