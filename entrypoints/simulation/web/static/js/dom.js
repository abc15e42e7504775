/** Building elements. Whatever is given as a child becomes text: nothing here ever reads HTML. */

/**
 * An element with these properties and children. Names with a dash are set as attributes (`aria-label`), functions
 * as listeners (`onclick`), everything else as the DOM calls it (`className`). Children that are null are left out.
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

/** The element of the page that has this id. */
export const byId = (id) => document.getElementById(id);

/** Puts these children in the place of those that an element has. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
}

const looks = new WeakMap(); // what the elements that `show` fills were made of

/**
 * Fills an element with what `make` gives, if these facts are others than the last time: what stays the same is left
 * alone, so that no click gets lost. What has the keyboard keeps it, if an element of its id is there again.
 */
export function show(parent, facts, make) {
  const look = JSON.stringify(facts);
  if (looks.get(parent) === look) return;
  looks.set(parent, look);
  const held = parent.contains(document.activeElement) ? document.activeElement.id : "";
  fill(parent, make());
  if (held) byId(held)?.focus({ preventScroll: true });
}

/** Lets the arrow keys, Home and End go through what `list()` gives; `step` is called with where they lead. */
export function arrows(container, list, step, keys = ["ArrowUp", "ArrowDown"]) {
  container.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select") || event.altKey || event.ctrlKey || event.metaKey) return;
    const items = list();
    const here = items.findIndex((item) => item.contains(document.activeElement));
    const goals = { [keys[0]]: Math.max(here - 1, 0), [keys[1]]: here + 1, Home: 0, End: items.length - 1 };
    const goal = items[Math.min(goals[event.key] ?? NaN, items.length - 1)];
    if (!goal) return;
    event.preventDefault();
    step(goal);
  });
}

/** Milliseconds as people read them: `0.8 ms`, `12 ms`, `1.4 s`, `2 min`. */
export function duration(ms) {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** The time of day of a Slack `ts`, which is in seconds. */
export function timeOf(ts) {
  return new Date(Number(ts) * 1000).toTimeString().slice(0, 8);
}
