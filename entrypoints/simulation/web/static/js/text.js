/** Slack's way of writing: mentions, links, bold and code, quotes. All of it ends as text in elements. */

import { element } from "./dom.js";

const SAFE = ["http:", "https:", "mailto:"];
const BLOCKS = /```([\s\S]+?)```/g;
const INLINE = /<([^<>\n]+)>|`([^`\n]+)`|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<!\w)_([^_\n]+)_(?!\w)|(?<![\w~])~([^~\n]+)~(?!\w)|:([a-z0-9_+'-]+):/g;

const EMOJI = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", eyes: "👀", tada: "🎉", white_check_mark: "✅", x: "❌", heart: "❤️",
  rocket: "🚀", wave: "👋", fire: "🔥", smile: "😄", warning: "⚠️", rotating_light: "🚨", bell: "🔔", bulb: "💡",
};

/** The emoji that people are offered, by Slack's names. */
export const OFFERED = ["thumbsup", "eyes", "white_check_mark", "x", "tada", "heart"];

/** An emoji by its name, or the name between colons where the page has no picture. */
export const emoji = (name) => EMOJI[name] ?? `:${name}:`;

/** What Slack escapes, as people typed it. */
export const unescaped = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** A message as nodes. `names` gives the name of a person (`@U1`) or a channel (`#C1`), or nothing. */
export function nodes(text, names) {
  const made = [];
  let end = 0;
  for (const block of text.matchAll(BLOCKS)) {
    made.push(...lines(text.slice(end, block.index), names), element("pre", {}, unescaped(block[1].replace(/^\n/, ""))));
    end = block.index + block[0].length;
  }
  return [...made, ...lines(text.slice(end), names)];
}

/** A message as one line of plain text. */
export function plain(text, names) {
  return nodes(text, names).map((node) => node.textContent).join(" ");
}

/** A message as its author typed it, to be edited. */
export function typed(text, names) {
  const named = text.replace(/<([@#])(\w+)(?:\|([^<>]*))?>/g, (all, sign, id, label) => {
    const name = names(sign + id) ?? label;
    return name ? sign + name.replace(/^[@#]/, "") : all;
  });
  return unescaped(named);
}

function lines(text, names) {
  const rest = text.indexOf("\n>>> ") >= 0 ? text.indexOf("\n>>> ") + 1 : text.startsWith(">>> ") ? 0 : -1;
  if (rest >= 0) {
    return [...lines(text.slice(0, rest), names), element("blockquote", {}, ...inline(text.slice(rest + 4), names))];
  }
  return text
    .replace(/^\n+|\n+$/g, "")
    .split("\n")
    .filter((line, _, all) => all.length > 1 || line !== "")
    .map((line) => {
      const quoted = /^(?:&gt;|>) (.*)/.exec(line);
      if (quoted) return element("blockquote", {}, ...inline(quoted[1], names));
      if (line.startsWith("| ")) return element("p", { className: "attached" }, ...inline(line.slice(2), names));
      return element("p", {}, ...inline(line, names));
    });
}

function inline(text, names) {
  const made = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    made.push(unescaped(text.slice(end, found.index)), marked(found, names));
    end = found.index + found[0].length;
  }
  return [...made, unescaped(text.slice(end))].filter((piece) => piece !== "");
}

function marked([all, special, code, bold, italic, struck, name], names) {
  if (special !== undefined) return reference(all, special, names);
  if (code !== undefined) return element("code", {}, unescaped(code));
  if (bold !== undefined) return element("strong", {}, ...inline(bold, names));
  if (italic !== undefined) return element("em", {}, ...inline(italic, names));
  if (struck !== undefined) return element("s", {}, ...inline(struck, names));
  return emoji(name);
}

/** A mention, a link, or whatever else stands between angle brackets, as it stands there. */
function reference(all, special, names) {
  const [target, label] = special.split("|", 2);
  if (/^[@#]\w+$/.test(target)) return element("span", { className: "mention" }, names(target) ?? label ?? target);
  if (target.startsWith("!")) return element("span", { className: "mention" }, `@${(label ?? target.slice(1)).split("^")[0]}`);
  const address = safe(unescaped(target));
  if (address === null) return unescaped(all);
  const shown = unescaped(label || target.replace(/^mailto:/, ""));
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, shown);
}

/** The address, if following it does nothing but open a page or a letter; otherwise null. */
function safe(address) {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  return SAFE.includes(url.protocol) ? url.href : null;
}
