/** A button that opens a menu. */

import { button, element } from "./dom.js";

/**
 * Returns a button with a menu of these items: `[label, onclick]`. The arrow keys move, Escape and a choice close it, and
 * the focus goes back to the button.
 */
export function menuButton(label, items, properties = {}) {
  const opener = button(label, { "aria-haspopup": "menu", "aria-expanded": "false", ...properties });
  const choose = (onclick) => () => (close({ focus: true }), onclick());
  const menu = element(
    "ul",
    { role: "menu", hidden: true, "aria-label": properties["aria-label"] ?? opener.textContent },
    items.map(([text, onclick]) =>
      element("li", { role: "none" }, button(text, { role: "menuitem", tabIndex: -1, onclick: choose(onclick) }))),
  );
  const entries = () => [...menu.querySelectorAll("[role=menuitem]")];
  const root = element("span", { className: "menu" }, opener, menu);

  function open() {
    menu.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    entries()[0]?.focus();
  }
  function close({ focus }) {
    menu.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    if (focus) opener.focus();
  }
  opener.addEventListener("click", () => (menu.hidden ? open() : close({ focus: true })));
  root.addEventListener("focusout", ({ relatedTarget }) => root.contains(relatedTarget) || close({ focus: false }));
  root.addEventListener("keydown", (event) => {
    if (menu.hidden) return;
    const known = entries();
    const current = known.indexOf(document.activeElement);
    const targets = { ArrowDown: current + 1, ArrowUp: current - 1, Home: 0, End: -1 };
    if (event.key === "Escape") close({ focus: true });
    else if (event.key in targets) known.at(targets[event.key] % known.length)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return root;
}
