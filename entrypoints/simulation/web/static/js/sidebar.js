/** The sidebar: channels and people, and the forms that add them. */

import { act } from "./client.js";
import { button, byId, element, enableArrowKeys, render } from "./dom.js";
import { selection } from "./selection.js";

const HUES = [262, 205, 335, 152, 22, 228]; // of avatars

/** Sets up the event listeners. */
export function initSidebar() {
  for (const id of ["channels", "people"]) {
    const list = byId(id);
    enableArrowKeys(list, () => [...list.querySelectorAll("button")], (item) => item.focus());
  }
  initForm("new-channel", "add-channel", ({ channel }) => selection.set({ channel, pane: "conversation" }));
  initForm("new-person", "add-person", ({ person }) => selection.set({ person }));
}

/** Renders the channels and the people. */
export function renderSidebar(workspace) {
  const { conversations, conversation, everyone, people, person } = workspace;
  const waiting = countWaiting(workspace);
  render(byId("channels"), [conversations, conversation?.id, everyone, person?.id, [...waiting]], () => [
    workspace.channels.map((channel) => channelItem(workspace, channel, waiting.get(channel.id))),
    directMessagesItem(workspace),
  ]);
  render(byId("people"), [people, person?.id], () => people.map((one) => personItem(one, one.id === person?.id)));
}

/** Returns a person's avatar: the first letter of the name on a colour derived from it. */
export function avatar(name, isBot) {
  const letter = [...name][0]?.toUpperCase() ?? "?";
  const created = element("span", { className: isBot ? "avatar bot" : "avatar", "aria-hidden": "true" }, letter);
  const sum = [...name].reduce((total, character) => total + character.codePointAt(0), 0);
  created.style.setProperty("--hue", HUES[sum % HUES.length]);
  return created;
}

function channelItem(workspace, channel, waiting) {
  const hasBot = workspace.hasBot(channel);
  return navItem(
    {
      id: `channel-${channel.id}`,
      className: hasBot ? "nav-item" : "nav-item bot-absent",
      "aria-current": String(channel.id === workspace.conversation?.id),
      onclick: () => openConversation(channel.id),
    },
    prefix(channel.kind === "group" ? "◆" : "#"),
    element("span", { className: "name" }, channel.name),
    hasBot ? null : element("span", { className: "note" }, `no ${workspace.bot?.handle}`),
    waiting ? element("span", { className: "count", title: "waiting messages" }, String(waiting)) : null,
  );
}

function directMessagesItem(workspace) {
  const known = workspace.directMessagesOf(workspace.person);
  const onclick = async () => {
    const channel = known?.id ?? (await act("open-direct", { person: workspace.person.id }))?.channel;
    if (channel) openConversation(channel);
  };
  return navItem(
    { id: "channel-direct", "aria-current": String(known !== undefined && known.id === workspace.conversation?.id), onclick },
    prefix("@"),
    element("span", { className: "name" }, workspace.bot?.handle ?? ""),
    element("span", { className: "note" }, "direct"),
  );
}

function personItem({ id, name }, isSpeaking) {
  return navItem(
    { id: `person-${id}`, "aria-pressed": String(isSpeaking), onclick: () => selection.set({ person: id }) },
    avatar(name, false),
    element("span", { className: "name" }, name),
  );
}

const navItem = (properties, ...children) => element("li", {}, button(children, { className: "nav-item", ...properties }));
const prefix = (sign) => element("span", { className: "prefix", "aria-hidden": "true" }, sign);

function openConversation(channel) {
  selection.set({ channel, thread: "", editing: "", pane: "conversation" });
}

/** Returns how many messages wait for delivery, by channel. */
function countWaiting({ feed }) {
  const counts = new Map();
  for (const [key, trace] of feed.under("trace/")) {
    if (trace.stage !== "at_slack" && trace.stage !== "in_pack") continue;
    const channel = key.split("/")[0];
    counts.set(channel, (counts.get(channel) ?? 0) + 1);
  }
  return counts;
}

function initForm(id, action, onAdded) {
  const form = byId(id);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const name = form.elements.name.value.trim();
    const result = name && (await act(action, { name }));
    if (!result) return;
    form.reset();
    onAdded(result);
  });
}
