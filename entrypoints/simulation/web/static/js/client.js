/** Talks to the server: follows its state feed by a socket, and executes actions. */

import { showError } from "./dom.js";
import { selection } from "./selection.js";

const TOKEN = document.querySelector("meta[name=token]").content;
const PROTOCOL = "flyte-slack.workbench";
const RECONNECT_MS = [200, 500, 1000, 2000];

/** A copy of the server's state: values by key. Dispatches `change`, and `connection` when it connects or disconnects. */
export class StateFeed extends EventTarget {
  isConnected = false;
  #values = new Map();
  #version = 0;
  #failures = 0;

  /** Returns the value of a key. */
  get(key) {
    return this.#values.get(key);
  }

  /** Returns the entries whose keys have this prefix, without it. */
  under(prefix) {
    return [...this.#values].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key.slice(prefix.length), value]);
  }

  /** Follows the server for as long as the page is open. */
  connect() {
    const url = new URL(`feed?after=${this.#version}`, location.href.replace(/^http/, "ws"));
    const socket = new WebSocket(url, [PROTOCOL, TOKEN]);
    socket.onopen = () => this.#setConnected(true);
    socket.onmessage = (message) => this.#apply(JSON.parse(message.data));
    socket.onclose = () => {
      this.#setConnected(false);
      setTimeout(() => this.#reconnect(), RECONNECT_MS[Math.min(this.#failures++, RECONNECT_MS.length - 1)]);
    };
  }

  /** A server that responds but refuses the socket has another token: a new simulation, which needs its own page. */
  async #reconnect() {
    if (this.#failures > 1 && (await fetch("icon.svg").catch(() => null))?.ok) location.reload();
    else this.connect();
  }

  #setConnected(isConnected) {
    if (isConnected) this.#failures = 0;
    this.isConnected = isConnected;
    this.dispatchEvent(new Event("connection"));
  }

  #apply({ version, is_snapshot, values }) {
    if (is_snapshot) this.#values.clear();
    for (const [key, value] of Object.entries(values)) {
      if (value === null) this.#values.delete(key);
      else this.#values.set(key, value);
    }
    this.#version = version;
    this.dispatchEvent(new Event("change"));
  }
}

/** Executes an action on the server and returns its result; null after showing the error if it fails. */
export async function act(name, args) {
  const headers = { "Content-Type": "application/json", "X-Workbench-Token": TOKEN };
  const request = { method: "POST", headers, body: JSON.stringify(args) };
  const response = await fetch(`actions/${name}`, request).catch(() => null);
  const result = response
    ? await response.json().catch(() => ({ error: `the simulation responded with ${response.status}` }))
    : { error: "the simulation does not respond; is it still running?" };
  if (result.failure) showError(`the app did not take it: ${result.failure}`);
  if (!result.error) return result;
  showError(result.error);
  return null;
}

/** Executes what a person does with the app, and shows its trace. Returns the result as `act` does. */
export async function useApp(name, args) {
  const before = selection.get("message");
  const result = await act(name, args);
  if (result?.key) selection.follow(before, result.key);
  return result;
}
