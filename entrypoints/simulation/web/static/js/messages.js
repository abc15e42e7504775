/** The middle pane: a conversation's header and messages. */

import { act } from "./client.js";
import { edit, locate, reply } from "./composer.js";
import { button, byId, element, enableArrowKeys, fill, formatTime } from "./dom.js";
import { status } from "./labels.js";
import { PICKER_EMOJI, emoji, plainText, toNodes } from "./mrkdwn.js";
import { selection } from "./selection.js";
import { avatar } from "./sidebar.js";

const rendered = new Map(); // each message's article by key, with the state it was rendered from
let pickerKey = ""; // the message that shows the emoji picker

/** Sets up the event listeners. `getWorkspace` returns the workspace as it is now. */
export function initMessages(getWorkspace) {
  const list = byId("messages");
  enableArrowKeys(list, () => [...list.children], (article) => selectMessage(article.dataset.key, { focus: true }));
  list.addEventListener("keydown", (event) => onKey(event, getWorkspace()));
  byId("toggle-bot").addEventListener("click", () => toggleBot(getWorkspace()));
}

/** Renders the selected conversation. */
export function renderMessages(workspace) {
  const { conversation } = workspace;
  if (!conversation) return;
  renderHeader(workspace, conversation);
  renderList(workspace, conversation);
}

/** Selects a message, which shows its trace. */
export function selectMessage(key, { focus = false, pane = selection.get("pane") } = {}) {
  selection.set({ message: key, tab: "trace", pane });
  const article = rendered.get(key)?.article;
  article?.scrollIntoView({ block: "nearest" });
  if (focus) article?.focus({ preventScroll: true });
}

function renderHeader(workspace, conversation) {
  const hasBot = workspace.hasBot(conversation);
  const bot = workspace.bot.handle;
  byId("conversation-title").textContent = workspace.label(conversation);
  byId("bot-status").textContent = hasBot ? `${bot} is a member` : `${bot} is not a member: the pack gets no messages from here`;
  const toggle = byId("toggle-bot");
  toggle.hidden = ["im", "mpim"].includes(conversation.kind) || (hasBot && conversation.is_general);
  toggle.textContent = hasBot ? `Remove ${bot}` : `Invite ${bot}`;
}

function toggleBot(workspace) {
  const { conversation, bot } = workspace;
  act(workspace.hasBot(conversation) ? "kick" : "invite", { channel: conversation.id, person: bot.id });
}

function renderList(workspace, conversation) {
  const list = byId("messages");
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const isOther = list.dataset.conversation !== conversation.id;
  list.dataset.conversation = conversation.id;
  const messages = workspace.messagesIn(conversation);
  const keys = new Set(messages.map(({ key }) => key));
  for (const [key, { article }] of rendered) if (!keys.has(key)) article.remove(), rendered.delete(key);
  list.querySelector(".empty")?.remove();
  const focusableKey = keys.has(selection.get("message")) ? selection.get("message") : messages.at(-1)?.key;
  messages.forEach((message, index) => {
    const article = renderArticle(workspace, message, focusableKey);
    article.setAttribute("aria-posinset", index + 1);
    article.setAttribute("aria-setsize", messages.length);
    if (list.children[index] !== article) list.insertBefore(article, list.children[index] ?? null);
  });
  if (messages.length === 0) list.append(emptyState(workspace, conversation));
  if (isAtEnd || isOther) list.scrollTop = list.scrollHeight;
}

/** Returns a message's article, rendered again only if its state has changed. */
function renderArticle(workspace, message, focusableKey) {
  const { key } = message;
  const trace = workspace.feed.get(`trace/${key}`);
  const isSelected = key === selection.get("message");
  const names = [workspace.person?.id, workspace.everyone.length, workspace.conversations.length];
  const state = JSON.stringify([message, trace && status(trace), isSelected, pickerKey === key, names]);
  const known = rendered.get(key);
  const article = known?.article ?? element("article", { tabIndex: -1, onclick: (event) => onClick(event, key) });
  article.tabIndex = key === focusableKey ? 0 : -1;
  if (known?.state === state) return article;
  article.dataset.key = key;
  article.className = [message.thread ? "reply" : "", message.is_notice ? "notice" : ""].join(" ").trim();
  article.setAttribute("aria-current", String(isSelected));
  article.setAttribute("aria-label", `${message.name}: ${plainText(message.text, workspace.nameOf)}`);
  const hadFocus = article !== document.activeElement && article.contains(document.activeElement);
  fill(article, message.is_notice ? element("p", {}, plainText(message.text, workspace.nameOf)) : content(workspace, message, trace));
  if (hadFocus) article.focus({ preventScroll: true });
  rendered.set(key, { article, state });
  return article;
}

function content(workspace, message, trace) {
  const { ts, key } = message;
  const byline = element(
    "div",
    { className: "byline" },
    element("strong", {}, message.name),
    message.is_bot ? element("span", { className: "app" }, "app") : null,
    element("time", { dateTime: new Date(Number(ts) * 1000).toISOString() }, formatTime(ts)),
    message.is_edited ? element("span", { className: "note" }, "edited") : null,
    trace ? statusChip(trace, key) : null,
  );
  const text = element("div", { className: "text" }, ...toNodes(message.text, workspace.nameOf));
  const toolbar = key === selection.get("message") ? tools(workspace, message) : null;
  return [
    avatar(message.name, message.is_bot),
    element("div", { className: "body" }, byline, text, reactions(workspace, message), toolbar),
  ];
}

function statusChip(trace, key) {
  const { tone, label } = status(trace);
  const onclick = () => selectMessage(key, { pane: "details" });
  return button(label, { className: `chip ${tone}`, title: "Show the trace", tabIndex: -1, onclick });
}

function reactions(workspace, message) {
  if (message.reactions.length === 0) return null;
  return element("ul", { className: "reactions" }, message.reactions.map(({ name, users }) => {
    const people = users.map((user) => workspace.nameOf(`@${user}`) ?? user).join(", ");
    return element("li", {}, button(`${emoji(name)} ${users.length}`, {
      title: people,
      "aria-label": `${name}, ${users.length}: ${people}`,
      onclick: () => react(workspace, message.key, name),
    }));
  }));
}

function tools(workspace, message) {
  const { key } = message;
  const tool = (label, onclick, shortcut) => button(label, { onclick, title: `Key: ${shortcut}` });
  const togglePicker = () => {
    pickerKey = pickerKey === key ? "" : key;
    renderMessages(workspace);
  };
  return element(
    "div",
    { className: "tools" },
    tool("Reply", () => reply(message), "r"),
    tool("React", togglePicker, "+"),
    message.is_bot ? null : tool("Edit", () => edit(workspace, message), "e"),
    tool("Delete", () => act("delete", locate(key)), "Delete"),
    pickerKey === key ? PICKER_EMOJI.map((name) =>
      button(emoji(name), { className: "emoji", "aria-label": name, onclick: () => react(workspace, key, name) })) : null,
  );
}

function emptyState(workspace, conversation) {
  const text = workspace.hasBot(conversation) ? "echo hi" : "hello";
  const onclick = () => act("say", { person: workspace.person.id, channel: conversation.id, text });
  return element("div", { className: "empty" }, element("p", {}, "No messages yet."), button(`Say “${text}”`, { onclick }));
}

function react(workspace, key, name) {
  pickerKey = "";
  act("react", { ...locate(key), person: workspace.person.id, emoji: name });
}

function onClick(event, key) {
  if (!event.target.closest("a, button") && document.getSelection().isCollapsed) selectMessage(key);
}

function onKey(event, workspace) {
  const key = document.activeElement.dataset?.key;
  if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
  const message = { key, ...workspace.feed.get(`message/${key}`) };
  const shortcuts = {
    Enter: () => selectMessage(key, { focus: true, pane: "details" }),
    " ": () => selectMessage(key, { focus: true }),
    r: () => reply(message),
    e: () => message.is_bot || edit(workspace, message),
    "+": () => {
      pickerKey = key;
      selectMessage(key, { focus: true });
      renderMessages(workspace);
      rendered.get(key).article.querySelector(".emoji")?.focus();
    },
    Delete: () => act("delete", locate(key)),
    Escape: () => byId("composer-text").focus(),
  };
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!message.name || message.is_notice || !(name in shortcuts)) return;
  event.preventDefault();
  shortcuts[name]();
}
