/** The middle: what stands in a room. */

import { choice } from "./choice.js";
import { edit, place, reply } from "./composer.js";
import { arrows, byId, element, fill, timeOf } from "./dom.js";
import { ask } from "./live.js";
import { avatar } from "./places.js";
import { stage } from "./stages.js";
import { OFFERED, emoji, nodes, plain } from "./text.js";

const shown = new Map(); // the articles by the key of their message, with what they were made of
let offering = ""; // the message under which emoji are offered

/** Sets up what stays. `world` gives the workspace as it is, `complain` tells people why something was not done. */
export function setUpConversation(world, complain) {
  const feed = byId("messages");
  arrows(feed, () => [...feed.children], (article) => select(article.dataset.key, { focus: true }));
  feed.addEventListener("keydown", (event) => onKey(event, world(), complain));
  byId("move-bot").addEventListener("click", () => moveBot(world(), complain));
}

/** Shows the room and what stands in it. */
export function showConversation(world, complain) {
  const room = world.room;
  if (!room) return;
  showHead(world, room);
  showMessages(world, room, complain);
}

/** Chooses a message: its way is shown. */
export function select(key, { focus = false, pane = choice.get("pane") } = {}) {
  choice.set({ message: key, tab: "way", pane });
  const article = shown.get(key)?.article;
  article?.scrollIntoView({ block: "nearest" });
  if (focus) article?.focus({ preventScroll: true });
}

function showHead(world, room) {
  const hasBot = world.hasBot(room);
  byId("room-title").textContent = world.label(room);
  byId("room-bot").textContent = hasBot ? `${world.bot.handle} is here` : `${world.bot?.handle} is not here, so the pack hears nothing`;
  const button = byId("move-bot");
  button.hidden = room.kind === "im" || room.kind === "mpim" || (hasBot && room.is_general);
  button.textContent = hasBot ? `Remove ${world.bot.handle}` : `Invite ${world.bot?.handle}`;
}

async function moveBot(world, complain) {
  const deed = world.hasBot(world.room) ? "kick" : "invite";
  await ask(deed, { room: world.room.id, person: world.bot.id }).catch(complain);
}

function showMessages(world, room, complain) {
  const feed = byId("messages");
  const isAtEnd = feed.scrollHeight - feed.scrollTop - feed.clientHeight < 40;
  const messages = world.messagesOf(room);
  const isOther = feed.dataset.room !== room.id;
  feed.dataset.room = room.id;
  const keys = new Set(messages.map((message) => message.key));
  for (const [key, { article }] of shown) if (!keys.has(key)) article.remove(), shown.delete(key);
  feed.querySelector(".empty")?.remove();
  const current = keys.has(choice.get("message")) ? choice.get("message") : messages.at(-1)?.key;
  let after = null;
  messages.forEach((message, index) => {
    const article = articleOf(world, message, current, complain);
    article.setAttribute("aria-posinset", index + 1);
    article.setAttribute("aria-setsize", messages.length);
    const place = after ? after.nextSibling : feed.firstChild;
    if (place !== article) feed.insertBefore(article, place);
    after = article;
  });
  if (messages.length === 0) feed.append(empty(world, room, complain));
  if (isAtEnd || isOther) feed.scrollTop = feed.scrollHeight;
}

/** The article of a message, made anew only where it says something else than before. */
function articleOf(world, message, current, complain) {
  const { key, card } = message;
  const way = world.board.get(`way/${key}`);
  const isChosen = key === choice.get("message");
  const named = [world.person?.id, world.everybody.length, world.rooms.length];
  const look = JSON.stringify([card, way && stage(way), isChosen, offering === key, named]);
  const known = shown.get(key);
  const article = known?.article ?? element("article", { tabIndex: -1, onclick: (event) => onClick(event, key) });
  article.tabIndex = key === current ? 0 : -1;
  if (known?.look === look) return article;
  article.dataset.key = key;
  article.className = [card.thread ? "reply" : "", card.is_notice ? "notice" : ""].join(" ").trim();
  article.setAttribute("aria-current", String(isChosen));
  article.setAttribute("aria-label", `${card.name}: ${plain(card.text, world.name)}`);
  const hadFocus = article !== document.activeElement && article.contains(document.activeElement);
  fill(article, card.is_notice ? notice(world, card) : spoken(world, message, way, complain));
  if (hadFocus) article.focus({ preventScroll: true });
  shown.set(key, { article, look });
  return article;
}

function notice(world, card) {
  return [element("p", {}, plain(card.text, world.name))];
}

function spoken(world, message, way, complain) {
  const { ts, card, key } = message;
  const byline = element(
    "div",
    { className: "byline" },
    element("strong", {}, card.name),
    card.is_bot ? element("span", { className: "app" }, "app") : null,
    element("time", { dateTime: new Date(Number(ts) * 1000).toISOString() }, timeOf(ts)),
    card.is_edited ? element("span", { className: "note" }, "edited") : null,
    way ? chip(way, key) : null,
  );
  const text = element("div", { className: "text" }, ...nodes(card.text, world.name));
  const isChosen = key === choice.get("message");
  return [
    avatar(card.name, card.is_bot),
    element("div", { className: "body" }, byline, text, reactions(world, message, complain), isChosen ? tools(world, message, complain) : null),
  ];
}

function chip(way, key) {
  const { look, words } = stage(way);
  const onclick = () => select(key, { pane: "details" });
  return element("button", { type: "button", className: `chip ${look}`, title: "Show its way", tabIndex: -1, onclick }, words);
}

function reactions(world, { key, card }, complain) {
  if (card.reactions.length === 0) return null;
  const names = (users) => users.map((user) => world.name(`@${user}`) ?? user).join(", ");
  return element("ul", { className: "reactions" }, card.reactions.map((reaction) => element("li", {}, element(
    "button",
    {
      type: "button",
      title: names(reaction.users),
      "aria-label": `${reaction.name}, ${reaction.users.length}: ${names(reaction.users)}`,
      onclick: () => react(world, key, reaction.name, complain),
    },
    emoji(reaction.name),
    ` ${reaction.users.length}`,
  ))));
}

function tools(world, { key, card }, complain) {
  const tool = (label, onclick, shortcut) => element("button", { type: "button", onclick, title: `Key: ${shortcut}` }, label);
  const offer = () => {
    offering = offering === key ? "" : key;
    showConversation(world, complain);
  };
  return element(
    "div",
    { className: "tools" },
    tool("Reply", () => reply(key, card), "r"),
    tool("React", offer, "+"),
    card.is_bot ? null : tool("Edit", () => edit(world, key, card), "e"),
    tool("Delete", () => ask("delete", place(key)).catch(complain), "Delete"),
    offering === key ? OFFERED.map((name) => element(
      "button",
      { type: "button", className: "emoji", "aria-label": name, onclick: () => react(world, key, name, complain) },
      emoji(name),
    )) : null,
  );
}

function empty(world, room, complain) {
  const example = world.hasBot(room) ? "echo hi" : "hello";
  const say = () => ask("say", { person: world.person.id, room: room.id, text: example }).catch(complain);
  return element(
    "div",
    { className: "empty" },
    element("p", {}, "Nothing was said here yet."),
    element("button", { type: "button", onclick: say }, `Say “${example}”`),
  );
}

async function react(world, key, name, complain) {
  offering = "";
  await ask("react", { ...place(key), person: world.person.id, emoji: name }).catch(complain);
}

function onClick(event, key) {
  if (!event.target.closest("a, button") && document.getSelection().isCollapsed) select(key);
}

function onKey(event, world, complain) {
  const key = document.activeElement.dataset?.key;
  if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
  const card = world.board.get(`message/${key}`);
  const deeds = {
    Enter: () => select(key, { focus: true, pane: "details" }),
    " ": () => select(key, { focus: true }),
    r: () => reply(key, card),
    e: () => card.is_bot || edit(world, key, card),
    "+": () => {
      offering = key;
      select(key, { focus: true });
      showConversation(world, complain);
      shown.get(key).article.querySelector(".emoji")?.focus();
    },
    Delete: () => ask("delete", place(key)).catch(complain),
    Escape: () => byId("composer-text").focus(),
  };
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!card || card.is_notice || !(name in deeds)) return;
  event.preventDefault();
  deeds[name]();
}
