/** Renders the interactive elements of blocks: buttons, selects, pickers and inputs. */

import { chosenIn, elementId, remember } from "./choices.js";
import { confirmed } from "./dialogs.js";
import { button, element } from "./dom.js";
import { menuButton } from "./menu.js";
import { safeUrl, withEmoji } from "./mrkdwn.js";

const PICKERS = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" };
const TEXTS = ["plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input"];

/**
 * Returns an element. `place` is where it is: its scope (see choices.js), `values` of a view, the workspace, and `use`,
 * which tells the server what a person chose. `label` names the element, `attributes` are those of its control.
 */
export function interactive(place, block, spec, label, attributes = {}) {
  const id = elementId(place.scope, block, spec);
  const control = { place, block, spec, id, label, attributes, chosen: chosenIn(id, block, spec, place.values) };
  const { type } = spec;
  if (type === "feedback_buttons") return feedback(control);
  if (type.endsWith("button")) return clickable(control);
  if (type === "overflow") return overflow(control);
  if (type === "checkboxes") return optionList(control, optionsOf(place, spec), "checkbox");
  if (type === "radio_buttons") return optionList(control, optionsOf(place, spec), "radio");
  if (type === "multi_external_select") return textField(control);
  if (type.startsWith("multi_")) return multiSelect(control);
  if (type === "external_select" || TEXTS.includes(type)) return textField(control);
  if (type.endsWith("_select")) return select(control);
  if (type in PICKERS) return picker(control);
  return type === "file_input" ? fileField(control) : null;
}

/** Uses an element, once its confirmation is given; returns whether it was. */
async function use({ place, block, spec, id }, choice) {
  if (spec.confirm && !(await confirmed(spec.confirm))) return false;
  if (!spec.type.endsWith("button") && spec.type !== "overflow") remember(id, choice);
  place.use(block, spec, choice);
  return true;
}

function clickable(control) {
  const { spec, id } = control;
  const properties = { id, className: `action ${spec.style ?? ""}`.trim() };
  if (spec.accessibility_label) properties["aria-label"] = spec.accessibility_label;
  const text = withEmoji(spec.text?.text ?? "");
  const href = spec.url && safeUrl(spec.url);
  if (!href) return button(text, { ...properties, onclick: () => use(control, null) });
  const onclick = () => use(control, null);
  return element("a", { ...properties, href, target: "_blank", rel: "noopener noreferrer", onclick }, text);
}

function feedback(control) {
  return element("span", { className: "feedback" }, ["positive_button", "negative_button"].map((name) =>
    button(withEmoji(control.spec[name].text.text), { className: "action", onclick: () => use(control, control.spec[name].value) })));
}

function overflow(control) {
  const items = control.spec.options.map((option) => [withEmoji(option.text.text), () => use(control, option.value)]);
  return menuButton("⋯", items, { id: control.id, className: "action", "aria-label": control.label || "More" });
}

function select(control) {
  const { place, spec, id, label, attributes, chosen } = control;
  const entries = (options) => options.map(({ value, text }) => element("option", { value, selected: value === chosen }, text));
  const groups = spec.option_groups?.map((group) =>
    element("optgroup", { label: group.label.text }, entries(group.options.map(asEntry))));
  const none = element("option", { value: "" }, spec.placeholder?.text ?? "Choose …");
  const field = element("select", { id, "aria-label": label, ...attributes }, none, groups ?? entries(optionsOf(place, spec)));
  onChoice(field, async () => {
    if (!(await use(control, field.value || null))) field.value = chosen ?? "";
  });
  return field;
}

/** Calls `choose` for a choice of a select: the arrow keys only move through it, until Enter or the loss of the focus. */
function onChoice(field, choose) {
  let isMoving = false;
  let isPending = false;
  const finish = () => {
    if (isPending) choose();
    isPending = false;
  };
  field.addEventListener("keydown", (event) => {
    isMoving = event.key.startsWith("Arrow") && !event.altKey;
    if (event.key !== "Enter" || !isPending) return;
    event.preventDefault();
    finish();
  });
  field.addEventListener("pointerdown", () => (isMoving = false));
  field.addEventListener("change", () => {
    isPending = true;
    if (!isMoving) finish();
  });
  field.addEventListener("blur", finish);
}

/** Returns the options that a person can choose from: `{value, text, description}`. */
function optionsOf({ workspace }, spec) {
  if (spec.type.includes("users")) return workspace.people.map(({ id, name }) => ({ value: id, text: name }));
  if (spec.type.includes("conversations") || spec.type.includes("channels")) {
    return workspace.channels.map(({ id, name }) => ({ value: id, text: `#${name}` }));
  }
  return (spec.options ?? spec.option_groups?.flatMap((group) => group.options) ?? []).map(asEntry);
}

const asEntry = ({ value, text, description }) => ({ value, text: withEmoji(text.text), description: description?.text });

function optionList(control, options, type) {
  const { id, label, attributes, chosen } = control;
  const isChosen = (value) => (type === "radio" ? chosen === value : (chosen ?? []).includes(value));
  const list = element("fieldset", { className: "options", ...attributes }, element("legend", { className: "visually-hidden" }, label));
  list.append(...options.map(({ value, text, description }, index) =>
    element(
      "label",
      {},
      element("input", { id: `${id}-${index}`, type, name: id, value, checked: isChosen(value) }),
      element("span", {}, text, description ? element("span", { className: "note" }, description) : null),
    )));
  list.addEventListener("change", () => {
    const values = [...list.querySelectorAll(":checked")].map((box) => box.value);
    use(control, type === "radio" ? values[0] : values);
  });
  return list;
}

function multiSelect(control) {
  const options = optionsOf(control.place, control.spec);
  const names = options.filter(({ value }) => (control.chosen ?? []).includes(value)).map(({ text }) => text);
  const summary = names.join(", ") || (control.spec.placeholder?.text ?? "Choose …");
  return element(
    "details",
    { className: "multi" },
    element("summary", { id: `${control.id}-summary`, "aria-label": `${control.label}: ${summary}` }, summary),
    optionList(control, options, "checkbox"),
  );
}

function picker(control) {
  const { spec, id, label, attributes, chosen } = control;
  const isMoment = spec.type === "datetimepicker";
  const value = isMoment && chosen ? localMoment(Number(chosen)) : (chosen ?? "");
  const field = element("input", { id, type: PICKERS[spec.type], "aria-label": label, value, ...attributes });
  field.addEventListener("change", () => {
    const moment = isMoment && field.value ? Math.floor(new Date(field.value).getTime() / 1000) : field.value;
    use(control, moment || null);
  });
  return field;
}

/** Formats Unix seconds as the value of an `input` for a moment, in the browser's time zone. */
function localMoment(seconds) {
  const moment = new Date(seconds * 1000);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function textField(control) {
  const { spec, block, id, label, attributes, chosen } = control;
  const isLong = spec.multiline || spec.type === "rich_text_input";
  const field = element(isLong ? "textarea" : "input", {
    id,
    "aria-label": label,
    placeholder: spec.placeholder?.text ?? "",
    autocomplete: "off",
    inputMode: spec.type === "number_input" ? "decimal" : "text",
    value: [chosen ?? []].flat().join(", "),
    ...attributes,
  });
  const choice = () => (spec.type.startsWith("multi_") ? field.value.split(/,\s*/).filter(Boolean) : field.value || null);
  if (isLong) field.rows = 3;
  if (spec.max_length) field.maxLength = spec.max_length;
  field.addEventListener("input", () => remember(id, choice()));
  field.addEventListener("change", () => block.dispatch_action || use(control, choice()));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || isLong || !(block.dispatch_action || block.type !== "input")) return;
    event.preventDefault();
    use(control, choice());
  });
  return field;
}

function fileField(control) {
  const { place, spec, id, label, attributes } = control;
  const field = element("input", { id, type: "file", "aria-label": label, multiple: spec.max_files !== 1, ...attributes });
  field.addEventListener("change", async () => use(control, await place.upload([...field.files])));
  return field;
}
