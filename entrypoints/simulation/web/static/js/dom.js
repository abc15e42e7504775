/** DOM helpers. Children given as strings become text nodes; nothing parses HTML. */

const POPUP_MS = 6000; // for which an error or a notice stays visible

/**
 * Returns an element with these properties and children. Names with a dash are set as attributes (`aria-label`),
 * everything else as DOM properties (`className`, `onclick`). Children that are null are left out.
 */
export function element(name, properties = {}, ...children) {
  const created = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") created.setAttribute(key, value);
    else created[key] = value;
  }
  fill(created, ...children);
  return created;
}

/** Returns a button with this label. */
export const button = (label, properties = {}) => element("button", { type: "button", ...properties }, label);

/** Returns a message key's parts as actions take them. */
export function locate(key) {
  const [channel, ts] = key.split("/");
  return { channel, ts };
}

/** Returns the page's element with this id. */
export const byId = (id) => document.getElementById(id);

/** Replaces an element's children. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
}

const rendered = new WeakMap(); // the state that each element was last rendered from

/**
 * Fills an element with what `build` returns, unless its state is unchanged: unchanged elements are left alone, so
 * that no click gets lost. The focus stays on the element of the same id, if there is one afterwards.
 */
export function render(parent, state, build) {
  const json = JSON.stringify(state);
  if (rendered.get(parent) === json) return;
  rendered.set(parent, json);
  refill(parent, build());
}

/** Replaces an element's children; the focus and the caret stay in the element of the same id. Returns whether they did. */
export function refill(parent, ...children) {
  const focused = document.activeElement;
  const hadFocus = focused !== parent && parent.contains(focused);
  const caret = hadFocus && focused.matches("textarea, input[inputmode]") ? [focused.selectionStart, focused.selectionEnd] : null;
  fill(parent, ...children);
  if (!hadFocus) return true;
  const successor = focused.id ? byId(focused.id) : null;
  successor?.focus({ preventScroll: true });
  if (successor && caret) successor.setSelectionRange(...caret);
  return Boolean(successor);
}

/** Lets arrow keys, Home and End move through the items of `list()`; calls `moveTo` with the next item. */
export function enableArrowKeys(container, list, moveTo, keys = ["ArrowUp", "ArrowDown"]) {
  container.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select, [role=menuitem]") || event.altKey || event.ctrlKey || event.metaKey) return;
    const items = list();
    const current = items.findIndex((item) => item.contains(document.activeElement));
    const targets = { [keys[0]]: Math.max(current - 1, 0), [keys[1]]: current + 1, Home: 0, End: items.length - 1 };
    const target = items[Math.min(targets[event.key] ?? NaN, items.length - 1)];
    if (!target) return;
    event.preventDefault();
    moveTo(target);
  });
}

const popupTimers = {};

/** Shows an error message for a few seconds. */
export const showError = (message) => showPopup("error", message);

/** Shows for a few seconds what was done. */
export const showNotice = (message) => showPopup("notice", message);

function showPopup(id, message) {
  byId(id).textContent = message;
  byId(id).showPopover(); // above dialogs
  clearTimeout(popupTimers[id]);
  popupTimers[id] = setTimeout(hidePopup, POPUP_MS, id);
}

function hidePopup(id) {
  byId(id).textContent = "";
  byId(id).hidePopover();
}

/** Formats milliseconds: `0.8 ms`, `12 ms`, `1.4 s`, `2 min`. */
export function formatDuration(ms) {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** Formats a Slack `ts`, which is in seconds, as a time of day. */
export function formatTime(ts) {
  return new Date(Number(ts) * 1000).toTimeString().slice(0, 8);
}
