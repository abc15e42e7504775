/** What the page shows: the speaking person, the channel, the message, the tab. Survives a reload. */

const STORAGE_KEY = "flyte-slack.selection";

/** Selected values by name. Dispatches `change`. */
class Selection extends EventTarget {
  #values = { person: "", channel: "", message: "", thread: "", editing: "", tab: "trace", flow: "", home: "", pane: "conversation" };

  #followed = ""; // the trace of what this page did last

  constructor() {
    super();
    try {
      Object.assign(this.#values, JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "{}"));
    } catch {
      // The storage is unavailable or unreadable: start with the defaults.
    }
  }

  /** Returns the selected value of this name; empty for none. */
  get(name) {
    return this.#values[name];
  }

  /** Shows the trace of what this page did last, unless another message than `before` has been selected meanwhile. */
  follow(before, key) {
    if (![before, this.#followed].includes(this.#values.message)) return false;
    this.#followed = key;
    this.set({ message: key, tab: "trace" });
    return true;
  }

  /** Sets these values. */
  set(values) {
    if (Object.entries(values).every(([name, value]) => this.#values[name] === value)) return;
    Object.assign(this.#values, values);
    try {
      sessionStorage.setItem(STORAGE_KEY, JSON.stringify(this.#values));
    } catch {
      // Without storage, the selection lasts until the next reload.
    }
    this.dispatchEvent(new Event("change"));
  }
}

export const selection = new Selection();
