/** Renders a message's attachments and files. */

import { renderBlocks } from "./blocks.js";
import { element } from "./dom.js";
import { link, toNodes } from "./mrkdwn.js";

const UNITS = ["B", "KB", "MB", "GB"];

/** Returns the nodes of attachments. See `interactive` for `place`. */
export function renderAttachments(place, attachments) {
  return attachments.map((attachment) => {
    const made = element("div", { className: "attachment" }, attachment.blocks.length ? renderBlocks(place, attachment.blocks) : legacy(place, attachment));
    const colour = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" }[attachment.color] ?? `#${attachment.color.replace(/^#/, "")}`;
    if (/^#[0-9a-f]{3,8}$/i.test(colour)) made.style.setProperty("--bar", colour);
    return attachment.pretext ? [element("div", { className: "text" }, toNodes(attachment.pretext, place.workspace.nameOf)), made] : made;
  });
}

function legacy(place, { author_name, title, title_link, text, fields, footer, fallback, image }) {
  const nodes = (content) => toNodes(content, place.workspace.nameOf);
  const parts = [
    author_name ? element("p", { className: "note" }, author_name) : null,
    title ? element("p", {}, element("strong", {}, title_link ? link(title_link, title) : nodes(title))) : null,
    text ? element("div", { className: "text" }, nodes(text)) : null,
    fields.length ? element("dl", { className: "fields" }, fields.map(({ title: name, value }) =>
      element("div", {}, element("dt", {}, name), element("dd", { className: "text" }, nodes(value))))) : null,
    image ? element("p", { className: "picture" }, "🖼 ", link(image, image)) : null,
    footer ? element("p", { className: "note" }, footer) : null,
  ];
  return parts.some(Boolean) ? parts : element("p", {}, fallback);
}

/** Returns a list of files. */
export function renderFiles(files) {
  if (files.length === 0) return null;
  return element("ul", { className: "files", "aria-label": "Files" }, files.map(({ title, name, mimetype, size }) =>
    element(
      "li",
      {},
      element("span", { "aria-hidden": "true" }, "📄"),
      element("strong", {}, title || name || "file"),
      element("span", { className: "note" }, [name === title ? "" : name, mimetype, formatSize(size)].filter(Boolean).join(", ")),
    )));
}

function formatSize(bytes) {
  const power = Math.min(Math.floor(Math.log(bytes || 1) / Math.log(1000)), UNITS.length - 1);
  return `${Number((bytes / 1000 ** power).toFixed(1))} ${UNITS[power]}`;
}
