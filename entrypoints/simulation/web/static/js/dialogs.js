/** Small dialogs: a confirmation that an app asks for, and a question with one text as its answer. */

import { button, byId, element, fill } from "./dom.js";

/** Asks a person to confirm, as an element's `confirm` says; returns whether it was confirmed. */
export function confirmed({ title, text, confirm, deny, style }) {
  return show(title.text, [element("p", {}, text.text)], confirm.text, deny.text, style ?? "primary", () => true);
}

/** Asks for a text; returns it, or null if none was given. */
export function ask(title, label, accept) {
  const field = element("input", { id: "question-field", autocomplete: "off", maxLength: 255 });
  const row = element("label", { htmlFor: "question-field" }, label);
  return show(title, [row, field], accept, "Cancel", "primary", () => field.value.trim() || null);
}

/** Shows a dialog; returns `result()` if it was accepted, otherwise a value that is false. The focus goes back. */
function show(title, content, accept, cancel, style, result) {
  const dialog = byId("question");
  fill(
    dialog,
    element(
      "form",
      { method: "dialog" },
      element("h2", { id: "question-title" }, title),
      content,
      element(
        "p",
        { className: "buttons" },
        button(cancel, { type: "submit", value: "" }),
        button(accept, { type: "submit", value: "accepted", className: style }),
      ),
    ),
  );
  dialog.returnValue = "";
  dialog.showModal();
  (dialog.querySelector("input") ?? dialog.querySelector("[value=accepted]")).focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue ? result() : null), { once: true });
  });
}
