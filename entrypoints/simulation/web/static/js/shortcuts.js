/** The menus of shortcuts: for the app as a whole, and for a message. */

import { useApp } from "./client.js";
import { ask } from "./dialogs.js";
import { byId, locate, render } from "./dom.js";
import { menuButton } from "./menu.js";

/** Renders the menu beside the message field. */
export function renderShortcuts(workspace) {
  const names = workspace.feed.get("app")?.shortcuts ?? [];
  const common = { person: workspace.person?.id, channel: workspace.conversation?.id };
  const items = withOther(names, (callback) => useApp("use-shortcut", { ...common, callback }));
  render(byId("app-shortcuts"), [names, common], () => menuButton("⚡", items, { id: "shortcuts-button", "aria-label": "Shortcuts", title: "Shortcuts of the app" }));
}

/** Returns the menu of a message. */
export function messageShortcuts(workspace, key) {
  const names = workspace.feed.get("app")?.message_shortcuts ?? [];
  const use = (callback) => useApp("use-message-shortcut", { ...locate(key), person: workspace.person.id, callback });
  return menuButton("Shortcuts", withOther(names, use), { id: `shortcuts-${key}`, title: "Shortcuts of the app for this message" });
}

function withOther(names, use) {
  const other = async () => {
    const callback = await ask("Use a shortcut", "Its callback id, as in the app's settings", "Use");
    if (callback) use(callback);
  };
  return [...names.map((name) => [name, () => use(name)]), ["Other …", other]];
}
