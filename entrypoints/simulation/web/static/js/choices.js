/** What people have chosen and entered in elements: until the page is reloaded, or else as the server or the app says. */

const drafts = new Map(); // choices by the element's id

/** Returns an element's id on the page. The scope is a message's key with the person, or a view's id. */
export const elementId = (scope, block, { action_id }) => ["use", scope, block.block_id, action_id].map(encodeURIComponent).join("-");

/** Remembers what was entered in the element with this id. */
export const remember = (id, choice) => drafts.set(id, choice);

/** Forgets what was entered in a scope. */
export function forget(scope) {
  const prefix = `use-${encodeURIComponent(scope)}-`;
  for (const id of drafts.keys()) if (id.startsWith(prefix)) drafts.delete(id);
}

/** Returns what is chosen in an element: a text, a number, a list of texts, or null. `values` are a view's `state.values`. */
export function chosenIn(id, block, element, values = {}) {
  if (drafts.has(id)) return drafts.get(id);
  const known = values[block.block_id]?.[element.action_id];
  return known ? kept(known) : initial(element);
}

function kept(value) {
  const { type, selected_option, selected_options, rich_text_value, ...rest } = value;
  if (selected_options) return selected_options.map((option) => option.value);
  if (selected_option !== undefined) return selected_option?.value ?? null;
  return rich_text_value ? plainRichText(rich_text_value) : (Object.values(rest)[0] ?? null);
}

function initial(element) {
  if (element.initial_options) return element.initial_options.map((option) => option.value);
  if (element.initial_option) return element.initial_option.value;
  const name = Object.keys(element).find((key) => key.startsWith("initial_"));
  const value = name ? element[name] : null;
  return value?.elements ? plainRichText(value) : value;
}

const plainRichText = (part) => part.text ?? (part.elements ?? []).map(plainRichText).join("");
