/** What this page looks at: the person who talks, the room, the message, the tab. It outlives a reload. */

const KEPT = "flyte-slack.choice";

/** The choices by name; `set` tells of a `change`. */
class Choice extends EventTarget {
  #values = { person: "", room: "", message: "", thread: "", editing: "", tab: "way", flow: "", pane: "talk" };

  constructor() {
    super();
    try {
      Object.assign(this.#values, JSON.parse(sessionStorage.getItem(KEPT) ?? "{}"));
    } catch {
      // What was kept can't be read or kept at all: the page then begins anew.
    }
  }

  /** What is chosen under this name; empty for nothing. */
  get(name) {
    return this.#values[name];
  }

  /** Choose these. */
  set(values) {
    if (Object.entries(values).every(([name, value]) => this.#values[name] === value)) return;
    Object.assign(this.#values, values);
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(this.#values));
    } catch {
      // See above.
    }
    this.dispatchEvent(new Event("change"));
  }
}

export const choice = new Choice();
