/** Slash commands: the list that the message field offers, and their running. */

import { useApp } from "./client.js";
import { byId, element, render } from "./dom.js";

let current = 0; // the index of the marked command
let isDismissed = false; // whether Escape has closed the list for the text as it is

/** Returns a typed slash command and the text after it; null if the text is a message. Two slashes begin a message. */
export function parseCommand(text) {
  const match = /^\/([\w-]+)(?:\s+([\s\S]*))?$/.exec(text.trim());
  return match && { command: `/${match[1]}`, text: match[2] ?? "" };
}

/** Runs a slash command. */
export function runCommand({ person, conversation }, { command, text }) {
  return useApp("run-command", { person: person.id, channel: conversation.id, command, text });
}

/** Sets up the list; `complete` puts a command into the field. */
export function initCommands(getWorkspace, complete) {
  const field = byId("composer-text");
  field.addEventListener("input", () => {
    isDismissed = false;
    current = 0;
    renderCommands(getWorkspace());
  });
  field.addEventListener("blur", () => setTimeout(() => renderCommands(getWorkspace())));
  field.addEventListener("focus", () => renderCommands(getWorkspace()));
  byId("commands").addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the field keeps the focus
    const chosen = event.target.closest("[role=option]");
    if (chosen) complete(chosen.dataset.command);
  });
}

/** Renders the list: the known commands that begin with what is typed. */
export function renderCommands(workspace) {
  const field = byId("composer-text");
  const known = document.activeElement === field && !isDismissed ? matching(workspace, field.value) : [];
  current = Math.min(current, Math.max(known.length - 1, 0));
  byId("commands").hidden = known.length === 0;
  render(byId("commands"), [known, current], () => known.map((command, index) =>
    element("li", { id: `command-${index}`, role: "option", "aria-selected": String(index === current) }, command)));
  [...byId("commands").children].forEach((item, index) => (item.dataset.command = known[index]));
  if (known.length) field.setAttribute("aria-activedescendant", `command-${current}`);
  else field.removeAttribute("aria-activedescendant");
}

/** Handles a key while the list is open; returns whether the list used it. */
export function onCommandKey(event, workspace, complete) {
  const known = byId("commands").hidden ? [] : matching(workspace, event.target.value);
  if (known.length === 0) return false;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    current = (current + (event.key === "ArrowDown" ? 1 : -1) + known.length) % known.length;
  } else if (event.key === "Escape") {
    isDismissed = true;
  } else if (event.key === "Tab" || (event.key === "Enter" && known[current] !== event.target.value)) {
    complete(known[current]);
  } else return false;
  event.preventDefault();
  renderCommands(workspace);
  return true;
}

function matching({ feed }, typed) {
  if (!/^\/[\w-]*$/.test(typed)) return [];
  return (feed.get("app")?.commands ?? []).filter((command) => command.startsWith(typed));
}
