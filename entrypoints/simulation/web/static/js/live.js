/** The page's copy of the server's board, kept up to date by a socket; and the deeds that people ask the server for. */

const TOKEN = document.querySelector("meta[name=token]").content;
const PROTOCOL = "flyte-slack.workbench";
const PAUSES = [200, 500, 1000, 2000];

/** Cards by key. Tells of `change` (with the keys in `detail`), at most once for each frame, and of `link`. */
export class Board extends EventTarget {
  cards = new Map();
  isLinked = false;
  #number = 0;
  #changed = new Set();
  #failures = 0;

  /** The card of a key. */
  get(key) {
    return this.cards.get(key);
  }

  /** The keys that begin like this, with what follows in them, and their cards. */
  under(start) {
    return [...this.cards].filter(([key]) => key.startsWith(start)).map(([key, card]) => [key.slice(start.length), card]);
  }

  /** Follows the server from now on, for as long as the page is open. */
  follow() {
    const address = new URL(`live?after=${this.#number}`, location.href.replace(/^http/, "ws"));
    const socket = new WebSocket(address, [PROTOCOL, TOKEN]);
    socket.onopen = () => this.#link(true);
    socket.onmessage = (message) => this.#take(JSON.parse(message.data));
    socket.onclose = () => {
      this.#link(false);
      setTimeout(() => this.#again(), PAUSES[Math.min(this.#failures++, PAUSES.length - 1)]);
    };
  }

  /** A server that answers and takes no socket is another one than this page is from: only its own page will do. */
  async #again() {
    if (this.#failures > 1 && (await fetch("icon.svg").catch(() => null))?.ok) location.reload();
    else this.follow();
  }

  #link(isLinked) {
    if (isLinked) this.#failures = 0;
    this.isLinked = isLinked;
    this.dispatchEvent(new Event("link"));
  }

  #take({ number, is_whole, cards }) {
    const gone = is_whole ? [...this.cards.keys()].filter((key) => !(key in cards)) : [];
    for (const key of gone) cards[key] = null;
    for (const [key, card] of Object.entries(cards)) {
      if (card === null) this.cards.delete(key);
      else this.cards.set(key, card);
      this.#changed.add(key);
    }
    this.#number = number;
    queueMicrotask(() => this.#tell());
  }

  #tell() {
    if (this.#changed.size === 0) return;
    const detail = this.#changed;
    this.#changed = new Set();
    this.dispatchEvent(new CustomEvent("change", { detail }));
  }
}

/** Asks the server to do something; gives its answer. Throws an Error that tells people why it was not done. */
export async function ask(deed, particulars) {
  const headers = { "Content-Type": "application/json", "X-Workbench-Token": TOKEN };
  const request = { method: "POST", headers, body: JSON.stringify(particulars) };
  const response = await fetch(`do/${deed}`, request).catch(() => null);
  if (response === null) throw new Error("the simulation does not answer; is it still running?");
  const answer = await response.json().catch(() => ({ error: `the simulation answered ${response.status}` }));
  if (answer.error) throw new Error(answer.error);
  return answer;
}
