/** Renders Slack's `rich_text` blocks. All text ends up in text nodes. */

import { element } from "./dom.js";
import { emoji, link, mention } from "./mrkdwn.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u", highlight: "mark" };

/** Returns a block's nodes. `nameOf` is that of `toNodes` in mrkdwn.js. */
export function richText(block, nameOf) {
  return (block.elements ?? []).map((part) => container(part, nameOf));
}

function container(part, nameOf) {
  const content = () => (part.elements ?? []).map((one) => inline(one, nameOf));
  switch (part.type) {
    case "rich_text_list":
      return list(part, nameOf);
    case "rich_text_quote":
      return element("blockquote", {}, content());
    case "rich_text_preformatted":
      return element("pre", {}, content());
    default:
      return element("p", {}, content());
  }
}

function list(part, nameOf) {
  const isOrdered = part.style === "ordered";
  const items = (part.elements ?? []).map(({ elements = [] }) => element("li", {}, elements.map((one) => inline(one, nameOf))));
  const made = element(isOrdered ? "ol" : "ul", { className: `list indent-${Math.min(part.indent ?? 0, 4)}` }, items);
  if (isOrdered) made.start = (part.offset ?? 0) + 1;
  return made;
}

function inline(part, nameOf) {
  return Object.entries(part.style ?? {})
    .filter(([name, isOn]) => isOn === true && name in STYLES)
    .reduce((node, [name]) => element(STYLES[name], {}, node), plain(part, nameOf));
}

function plain(part, nameOf) {
  switch (part.type) {
    case "text":
      return part.text;
    case "link":
      return link(part.url, part.text || part.url);
    case "emoji":
      return emoji(part.name);
    case "user":
      return mention(nameOf(`@${part.user_id}`) ?? `@${part.user_id}`);
    case "channel":
      return mention(nameOf(`#${part.channel_id}`) ?? `#${part.channel_id}`);
    case "usergroup":
      return mention(`@${part.usergroup_id}`);
    case "broadcast":
      return mention(`@${part.range}`);
    case "color":
      return part.value;
    case "date":
      return part.fallback ?? new Date(part.timestamp * 1000).toLocaleString();
    default:
      return part.text ?? `[${part.type}]`;
  }
}
