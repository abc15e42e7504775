/** Renders the `markdown` block: headings, lists, quotes, code, emphasis and links. All text ends up in text nodes. */

import { element } from "./dom.js";
import { emoji, link, splitAt } from "./mrkdwn.js";

const CODE = /```[^\n]*\n([\s\S]*?)```/g;
const INLINE = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<![\w*])[*_]([^*_\n]+)[*_](?!\w)|~~([^~\n]+)~~|\[([^\]\n]+)\]\(([^)\s]+)\)|:([a-z0-9_+'-]+):/g;
const LINES = [
  [/^#{1,6} (.*)/, (text) => element("p", { className: "heading" }, inline(text))],
  [/^> ?(.*)/, (text) => element("blockquote", {}, inline(text))],
  [/^\s*[-*+] (.*)/, (text) => element("p", { className: "bullet" }, "• ", inline(text))],
  [/^\s*(\d+[.)] .*)/, (text) => element("p", { className: "bullet" }, inline(text))],
  [/^\s*(?:---+|\*\*\*+)\s*()$/, () => element("hr")],
  [/(.*)/, (text) => element("p", {}, inline(text))],
];

/** Returns a text's nodes. */
export function markdown(text) {
  return splitAt(CODE, text, (match) => element("pre", {}, match[1].replace(/\n$/, "")), (rest) =>
    rest.split("\n").filter((line) => line.trim() !== "").map(lineNode));
}

function lineNode(line) {
  const [pattern, build] = LINES.find(([pattern]) => pattern.test(line));
  return build(pattern.exec(line)[1]);
}

function inline(text) {
  return splitAt(INLINE, text, inlineNode, (rest) => rest);
}

function inlineNode([, code, bold, italic, struck, label, url, name]) {
  if (code !== undefined) return element("code", {}, code);
  if (bold !== undefined) return element("strong", {}, inline(bold));
  if (italic !== undefined) return element("em", {}, inline(italic));
  if (struck !== undefined) return element("s", {}, inline(struck));
  return label === undefined ? emoji(name) : link(url, label);
}
