/** The app's Home tab, beside the direct messages with it. */

import { renderBlocks } from "./blocks.js";
import { act } from "./client.js";
import { byId, element, render } from "./dom.js";
import { inView } from "./places.js";
import { selection } from "./selection.js";

/** Sets up the event listeners. */
export function initHome(getWorkspace) {
  byId("toggle-home").addEventListener("click", () => {
    const isOpen = selection.get("home") === "open";
    selection.set({ home: isOpen ? "" : "open" });
    if (!isOpen) act("open-home", { person: getWorkspace().person.id });
  });
}

/** Renders the Home tab in place of the messages, if it is open. */
export function renderHome(workspace) {
  const isDirect = workspace.conversation?.kind === "im";
  const isOpen = isDirect && selection.get("home") === "open";
  byId("toggle-home").hidden = !isDirect;
  byId("toggle-home").textContent = isOpen ? "Messages" : "Home";
  byId("home").hidden = !isOpen;
  byId("messages").hidden = isOpen;
  const home = workspace.feed.get(`home/${workspace.person?.id}`);
  render(byId("home"), [home?.id, home?.hash, workspace.everyone.length], () =>
    home ? renderBlocks(inView(workspace, home), home.blocks) : element("p", { className: "hint" }, "The app has published nothing here yet."));
}
