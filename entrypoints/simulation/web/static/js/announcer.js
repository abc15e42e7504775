/** Tells screen readers of new and changed messages. */

import { byId } from "./dom.js";

const CLEAR_MS = 3000; // after which a text is taken away, so that no one comes across it later
let timer = 0;

/** Says a text, after what is being said. */
export function announce(text) {
  const announcer = byId("announcer");
  announcer.textContent = announcer.textContent ? `${announcer.textContent}. ${text}` : text;
  clearTimeout(timer);
  timer = setTimeout(() => (announcer.textContent = ""), CLEAR_MS);
}
