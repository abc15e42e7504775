/** Renders blocks as Slack does. Nothing is loaded from elsewhere: pictures are shown by their descriptions. */

import { elementId } from "./choices.js";
import { element } from "./dom.js";
import { interactive } from "./elements.js";
import { markdown } from "./markdown.js";
import { link, toNodes, withEmoji } from "./mrkdwn.js";
import { richText } from "./rich_text.js";

const GROUPS = /^(checkboxes|radio_buttons|multi_(?!external).*)$/; // elements that are several controls

const RENDERERS = {
  section, actions, context, header, input, table, alert,
  context_actions: actions,
  divider: () => element("hr"),
  image: (place, block) => picture(block, "figure"),
  markdown: (place, block) => element("div", { className: "text" }, markdown(block.text)),
  rich_text: (place, block) => element("div", { className: "text" }, richText(block, place.workspace.nameOf)),
};

/** Returns the nodes of blocks. See `interactive` for `place`; its `errors` are those of a form, by block id. */
export function renderBlocks(place, blocks) {
  return blocks.map((block) => (RENDERERS[block.type] ?? unknown)(place, block));
}

/** Returns the nodes of a text object. */
function text(place, { type, text: content }, name = "div") {
  if (type === "plain_text") return element(name, { className: "text" }, withEmoji(content));
  return element(name, { className: "text" }, toNodes(content, place.workspace.nameOf));
}

function section(place, block) {
  const label = block.text?.text ?? "";
  const accessory = block.accessory && (block.accessory.type === "image" ? picture(block.accessory, "span") : part(place, block, block.accessory, label));
  return element(
    "div",
    { className: "block section" },
    element(
      "div",
      {},
      block.text ? text(place, block.text) : null,
      block.fields ? element("div", { className: "fields" }, block.fields.map((field) => text(place, field))) : null,
    ),
    accessory ?? null,
  );
}

function actions(place, block) {
  return element("div", { className: "block actions" }, block.elements.map((one) => part(place, block, one, "")));
}

/** Returns an element, named by itself or else by the block that it is in. */
function part(place, block, spec, label) {
  const name = spec.accessibility_label ?? spec.placeholder?.text ?? (label.slice(0, 100) || spec.action_id);
  return interactive(place, block, spec, name) ?? unknown(place, spec);
}

function context(place, block) {
  const parts = block.elements.map((one) => (one.type === "image" ? picture(one, "span") : text(place, one, "span")));
  return element("div", { className: "block context" }, parts);
}

function header(place, block) {
  return element("h3", { className: "block" }, withEmoji(block.text.text));
}

function alert(place, block) {
  return element("div", { className: `block alert ${block.level ?? "default"}` }, text(place, block.text));
}

/** Returns a picture's description and its address, which is a link. */
function picture({ alt_text: alt, image_url: url, title, slack_file: file }, name) {
  const address = url ?? file?.url ?? file?.id ?? "";
  return element(
    name,
    { className: "block picture" },
    element("span", { "aria-hidden": "true" }, "🖼"),
    element("span", {}, title ? element("strong", {}, `${title.text} `) : null, alt, " ", link(address, address)),
  );
}

function input(place, block) {
  const { label, hint, optional, element: spec } = block;
  const base = elementId(place.scope, block, spec);
  const error = place.errors?.[block.block_id];
  const attributes = GROUPS.test(spec.type) ? {} : { "aria-invalid": String(Boolean(error)), "aria-required": String(!optional) };
  const described = [hint ? `${base}-hint` : "", error ? `${base}-error` : ""].filter(Boolean).join(" ");
  if (described) attributes["aria-describedby"] = described;
  const name = [withEmoji(label.text), optional ? element("span", { className: "note" }, " (optional)") : null];
  return element(
    "div",
    { className: error ? "block field invalid" : "block field" },
    GROUPS.test(spec.type) ? element("p", { className: "label" }, name) : element("label", { className: "label", htmlFor: base }, name),
    interactive(place, block, spec, label.text, attributes) ?? unknown(place, spec),
    hint ? element("p", { id: `${base}-hint`, className: "note" }, hint.text) : null,
    error ? element("p", { id: `${base}-error`, className: "error" }, error) : null,
  );
}

function table(place, block) {
  const cell = (content, index, name) => {
    const made = element(name, name === "th" ? { scope: "col" } : {}, cellContent(place, content));
    made.className = block.column_settings?.[index]?.align ?? "";
    return made;
  };
  const row = (cells, name) => element("tr", {}, cells.map((content, index) => cell(content, index, name)));
  const [head, ...rest] = block.rows;
  return element(
    "div",
    { className: "block table", tabIndex: 0, role: "region", "aria-label": "Table" },
    element("table", {}, element("thead", {}, row(head, "th")), element("tbody", {}, rest.map((cells) => row(cells, "td")))),
  );
}

function cellContent(place, content) {
  if (content.type === "rich_text") return richText(content, place.workspace.nameOf);
  return content.text ?? String(content.value ?? "");
}

/** Returns a labelled box for what this page does not know, with its content as JSON. */
function unknown(place, block) {
  return element(
    "details",
    { className: "block unknown" },
    element("summary", {}, `Block of type “${block.type}”, which this page does not draw`),
    element("pre", {}, JSON.stringify(block, null, 2)),
  );
}
