/** The middle pane: a conversation's header and messages. */

import { announce } from "./announcer.js";
import { renderAttachments, renderFiles } from "./attachments.js";
import { renderBlocks } from "./blocks.js";
import { act } from "./client.js";
import { edit, reply } from "./composer.js";
import { button, byId, element, enableArrowKeys, formatTime, locate, refill } from "./dom.js";
import { status } from "./labels.js";
import { PICKER_EMOJI, emoji, plainText, toNodes } from "./mrkdwn.js";
import { inMessage } from "./places.js";
import { selection } from "./selection.js";
import { messageShortcuts } from "./shortcuts.js";
import { avatar } from "./sidebar.js";

const MOVES = ["Enter", " ", "Escape"]; // the keys that do nothing to a message

const rendered = new Map(); // each message's article by key, with what it was rendered from
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
  byId("bot-status").textContent = hasBot ? `${bot} is a member` : `${bot} is not a member: the ${workspace.app} gets no messages from here`;
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
    if (!isOther) announceChange(workspace, message);
    const article = renderArticle(workspace, message, focusableKey);
    article.setAttribute("aria-posinset", index + 1);
    article.setAttribute("aria-setsize", messages.length);
    if (list.children[index] !== article) list.insertBefore(article, list.children[index] ?? null);
  });
  if (messages.length === 0) list.append(emptyState(workspace, conversation));
  if (isAtEnd || isOther) list.scrollTop = list.scrollHeight;
}

/** Announces a message that is new, or that the bot has changed, unless the speaking person wrote it. */
function announceChange(workspace, message) {
  const known = rendered.get(message.key)?.message;
  if (message.user === workspace.person?.id || (known && known.edited_at === message.edited_at)) return;
  const text = plainText(message.text, workspace.nameOf);
  announce(known ? `${message.name} changed a message: ${text}` : `${message.name}: ${text}`);
}

/** Returns a message's article, rendered again only if its state has changed. */
function renderArticle(workspace, message, focusableKey) {
  const { key } = message;
  const trace = workspace.feed.get(`trace/${key}`);
  const isSelected = key === selection.get("message");
  const names = [workspace.person?.id, workspace.everyone.length, workspace.conversations.length];
  const shortcuts = isSelected && workspace.feed.get("app")?.message_shortcuts;
  const state = JSON.stringify([message, trace && status(trace, workspace.app), isSelected, pickerKey === key, names, shortcuts]);
  const known = rendered.get(key);
  const article = known?.article ?? element("article", { tabIndex: -1, onclick: (event) => onClick(event, key) });
  article.tabIndex = key === focusableKey ? 0 : -1;
  if (known?.state === state) return article;
  const isChanged = known && known.message.edited_at !== message.edited_at;
  article.dataset.key = key;
  article.className = classOf(message);
  article.setAttribute("aria-current", String(isSelected));
  article.setAttribute("aria-label", `${message.name}: ${plainText(message.text, workspace.nameOf)}`);
  const keptFocus = refill(article, message.is_notice ? element("p", {}, plainText(message.text, workspace.nameOf)) : content(workspace, message, trace));
  if (!keptFocus) article.focus({ preventScroll: true });
  if (isChanged) flash(article);
  rendered.set(key, { article, state, message });
  return article;
}

function classOf({ thread, is_notice: isNotice, is_activity: isActivity, only_for: onlyFor }) {
  const classes = { reply: thread, notice: isNotice, activity: isActivity, ephemeral: onlyFor };
  return Object.keys(classes).filter((name) => classes[name]).join(" ");
}

/** Shows for a moment that a message has changed. */
function flash(article) {
  article.classList.add("changed");
  article.addEventListener("animationend", () => article.classList.remove("changed"), { once: true });
}

function content(workspace, message, trace) {
  if (message.is_activity) return activity(workspace, message, trace);
  const { ts, key } = message;
  const byline = element(
    "div",
    { className: "byline" },
    element("strong", {}, message.name),
    message.is_bot ? element("span", { className: "app" }, "app") : null,
    timeOf(ts),
    message.is_edited ? element("span", { className: "note" }, editedNote(message)) : null,
    message.only_for ? element("span", { className: "note" }, "only visible to you") : null,
    trace ? statusChip(workspace, trace, key) : null,
  );
  const place = inMessage(workspace, message);
  const text = element("div", { className: "text" }, toNodes(message.body, workspace.nameOf));
  return [
    avatar(message.name, message.is_bot),
    element(
      "div",
      { className: "body" },
      byline,
      message.blocks.length ? renderBlocks(place, message.blocks) : text,
      renderAttachments(place, message.attachments),
      renderFiles(message.files),
      reactions(workspace, message),
      key === selection.get("message") && !message.only_for ? tools(workspace, message) : null,
    ),
  ];
}

function activity(workspace, { name, text, ts, key }, trace) {
  return element(
    "p",
    {},
    element("strong", {}, name),
    element("span", { className: "text" }, toNodes(text, workspace.nameOf).map((node) => [...node.childNodes])),
    timeOf(ts),
    trace ? statusChip(workspace, trace, key) : null,
  );
}

const timeOf = (ts) => element("time", { dateTime: new Date(Number(ts) * 1000).toISOString() }, formatTime(ts));

const editedNote = ({ is_bot: isBot, edited_at: at }) => (isBot && at ? `updated ${formatTime(at)}` : "(edited)");

function statusChip(workspace, trace, key) {
  const { tone, label } = status(trace, workspace.app);
  const onclick = () => selectMessage(key, { pane: "details" });
  return button(label, { className: `chip ${tone}`, title: `${label} (show the trace)`, tabIndex: -1, onclick });
}

function reactions(workspace, message) {
  if (message.reactions.length === 0) return null;
  return element("ul", { className: "reactions" }, message.reactions.map(({ name, users }) => {
    const people = users.map((user) => workspace.nameOf(`@${user}`) ?? user).join(", ");
    return element("li", {}, button(`${emoji(name)} ${users.length}`, {
      id: `reaction-${message.key}-${name}`,
      title: people,
      "aria-pressed": String(users.includes(workspace.person?.id)),
      "aria-label": `${name}, ${users.length}: ${people}`,
      onclick: () => react(workspace, message.key, name),
    }));
  }));
}

function tools(workspace, message) {
  const { key } = message;
  const tool = (label, onclick, shortcut) => button(label, { id: `tool-${label}`, onclick, title: `Key: ${shortcut}` });
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
    messageShortcuts(workspace, key),
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
  if (!event.target.closest("a, button, input, select, textarea, label, summary") && document.getSelection().isCollapsed) selectMessage(key);
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
    s: () => {
      selectMessage(key, { focus: true });
      byId(`shortcuts-${key}`)?.click();
    },
    Delete: () => act("delete", locate(key)),
    Escape: () => byId("composer-text").focus(),
  };
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const isWritten = !message.is_notice && !message.is_activity && !message.only_for;
  if (!(name in shortcuts) || !(isWritten || MOVES.includes(name))) return;
  event.preventDefault();
  shortcuts[name]();
}
