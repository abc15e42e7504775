/** Renders Slack's mrkdwn: mentions, links, bold and code, quotes. All text ends up in text nodes. */

import { element } from "./dom.js";

const SAFE_PROTOCOLS = ["http:", "https:", "mailto:"];
const BLOCKS = /```([\s\S]+?)```/g;
const INLINE = /<([^<>\n]+)>|`([^`\n]+)`|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<!\w)_([^_\n]+)_(?!\w)|(?<![\w~])~([^~\n]+)~(?!\w)|:([a-z0-9_+'-]+):/g;

const EMOJI = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", eyes: "👀", tada: "🎉", white_check_mark: "✅", x: "❌", heart: "❤️",
  rocket: "🚀", wave: "👋", fire: "🔥", smile: "😄", warning: "⚠️", rotating_light: "🚨", bell: "🔔", bulb: "💡",
};

/** The emoji in the picker, by Slack's names. */
export const PICKER_EMOJI = ["thumbsup", "eyes", "white_check_mark", "x", "tada", "heart"];

/** Returns an emoji by name, or the name between colons if the page does not know it. */
export const emoji = (name) => EMOJI[name] ?? `:${name}:`;

/** Returns a plain text with its emoji. */
export const withEmoji = (text) => text.replace(/:([a-z0-9_+'-]+):/g, (all, name) => EMOJI[name] ?? all);

/** Replaces Slack's three escapes. */
const decodeEscapes = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** Returns a message as nodes. `nameOf` returns the name of a person (`@U1`) or a channel (`#C1`), or nothing. */
export function toNodes(text, nameOf) {
  return splitAt(BLOCKS, text, (match) => element("pre", {}, decodeEscapes(match[1].replace(/^\n/, ""))), (part) => lines(part, nameOf));
}

/** Returns a message as one line of plain text. */
export function plainText(text, nameOf) {
  return toNodes(text, nameOf).map((node) => node.textContent).join(" ");
}

/** Returns a message as its author typed it. */
export function toTyped(text, nameOf) {
  const withNames = text.replace(/<([@#])(\w+)(?:\|([^<>]*))?>/g, (all, sign, id, label) => {
    const name = nameOf(sign + id) ?? label;
    return name ? sign + name.replace(/^[@#]/, "") : all;
  });
  return decodeEscapes(withNames);
}

function lines(text, nameOf) {
  const rest = text.indexOf("\n>>> ") >= 0 ? text.indexOf("\n>>> ") + 1 : text.startsWith(">>> ") ? 0 : -1;
  if (rest >= 0) {
    return [...lines(text.slice(0, rest), nameOf), element("blockquote", {}, ...inline(text.slice(rest + 4), nameOf))];
  }
  return text
    .replace(/^\n+|\n+$/g, "")
    .split("\n")
    .filter((line, _, all) => all.length > 1 || line !== "")
    .map((line) => {
      const quoted = /^(?:&gt;|>) (.*)/.exec(line);
      if (quoted) return element("blockquote", {}, ...inline(quoted[1], nameOf));
      if (line.startsWith("| ")) return element("p", { className: "attached" }, ...inline(line.slice(2), nameOf));
      return element("p", {}, ...inline(line, nameOf));
    });
}

function inline(text, nameOf) {
  return splitAt(INLINE, text, (match) => inlineNode(match, nameOf), decodeEscapes).filter((node) => node !== "");
}

/** Returns what `onMatch` makes of a pattern's matches, and `onRest` of the texts between them, in order. */
export function splitAt(pattern, text, onMatch, onRest) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    nodes.push(onRest(text.slice(end, match.index)), onMatch(match));
    end = match.index + match[0].length;
  }
  return [...nodes, onRest(text.slice(end))].flat();
}

function inlineNode([whole, bracketed, code, bold, italic, struck, name], nameOf) {
  if (bracketed !== undefined) return reference(whole, bracketed, nameOf);
  if (code !== undefined) return element("code", {}, decodeEscapes(code));
  if (bold !== undefined) return element("strong", {}, ...inline(bold, nameOf));
  if (italic !== undefined) return element("em", {}, ...inline(italic, nameOf));
  if (struck !== undefined) return element("s", {}, ...inline(struck, nameOf));
  return emoji(name);
}

/** Renders a mention, a link, or of a date its text for apps that do not format it; anything else stays as it is. */
function reference(whole, bracketed, nameOf) {
  const [target, label] = bracketed.split("|", 2);
  if (/^[@#]\w+$/.test(target)) return mention(nameOf(target) ?? label ?? target);
  if (target.startsWith("!date^")) return decodeEscapes(label ?? target);
  if (target.startsWith("!")) return mention(`@${(label ?? target.slice(1).replace(/^subteam\^/, "")).replace(/^@/, "")}`);
  const url = decodeEscapes(target);
  return safeUrl(url) === null ? decodeEscapes(whole) : link(url, decodeEscapes(label || target.replace(/^mailto:/, "")));
}

/** Returns the node of a mention, which begins with its sign. */
export const mention = (name) => element("span", { className: "mention" }, name);

/** Returns a link; the text alone if the URL is no web page and no mail address. */
export function link(url, text) {
  const href = safeUrl(url);
  return href === null ? text : element("a", { href, target: "_blank", rel: "noopener noreferrer" }, text);
}

/** Returns the URL if it is a web page or a mail address, otherwise null. */
export function safeUrl(text) {
  if (!URL.canParse(text)) return null;
  const { href, protocol } = new URL(text);
  return SAFE_PROTOCOLS.includes(protocol) ? href : null;
}
