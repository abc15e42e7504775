/** The page's entry point: renders every part when the server's state or the selection changes. */

import { StateFeed } from "./client.js";
import { initComposer, renderComposer } from "./composer.js";
import { byId, enableArrowKeys } from "./dom.js";
import { renderFaults } from "./faults.js";
import { initFlows, renderFlows } from "./flows.js";
import { initHome, renderHome } from "./home.js";
import { initMessages, renderMessages, selectMessage } from "./messages.js";
import { initModal, renderModal } from "./modal.js";
import { selection } from "./selection.js";
import { renderShortcuts } from "./shortcuts.js";
import { initSidebar, renderSidebar } from "./sidebar.js";
import { renderSummary } from "./summary.js";
import { renderTrace, updateWaitingTime } from "./trace.js";
import { Workspace } from "./workspace.js";

const TABS = ["trace", "flows", "faults"];
const PARTS = [
  ...[renderSummary, renderSidebar, renderHome, renderComposer, renderShortcuts],
  ...[renderMessages, renderTrace, renderFlows, renderFaults, renderModal],
]; // the messages after what takes height from them, since they scroll to their end

const feed = new StateFeed();
const getWorkspace = () => new Workspace(feed);

function render() {
  const workspace = getWorkspace();
  if (!workspace.bot) return; // the feed is still empty
  for (const renderPart of PARTS) renderPart(workspace);
  if (workspace.isSlackOnly) hideFlows();
  renderTabs();
}

/** Leaves out what an app of any kind does not have. */
function hideFlows() {
  document.body.dataset.app = "any";
  byId("tab-flows").hidden = true;
  for (const part of [byId("tabs"), byId("details")]) part.setAttribute("aria-label", "Trace and faults");
  byId("panes").querySelector("[data-pane=details]").textContent = "Trace, faults";
  if (selection.get("tab") === "flows") selection.set({ tab: "trace" });
}

function renderTabs() {
  const pane = selection.get("pane");
  document.body.dataset.pane = pane;
  document.body.dataset.tab = selection.get("tab");
  for (const button of byId("panes").children) button.setAttribute("aria-pressed", String(button.dataset.pane === pane));
  for (const name of TABS) {
    const isSelected = name === selection.get("tab");
    byId(`tab-${name}`).setAttribute("aria-selected", String(isSelected));
    byId(`tab-${name}`).tabIndex = isSelected ? 0 : -1;
    byId(`panel-${name}`).hidden = !isSelected;
  }
}

function renderConnection() {
  const connection = byId("connection");
  connection.className = feed.isConnected ? "good" : "bad";
  connection.textContent = feed.isConnected ? "live" : "disconnected";
}

function initTabs() {
  const tabs = TABS.map((name) => byId(`tab-${name}`));
  for (const name of TABS) byId(`tab-${name}`).addEventListener("click", () => selection.set({ tab: name }));
  enableArrowKeys(byId("tabs"), () => tabs.filter(({ hidden }) => !hidden), (tab) => (tab.focus(), tab.click()), ["ArrowLeft", "ArrowRight"]);
  byId("panes").addEventListener("click", ({ target }) => {
    if (target.dataset.pane) selection.set({ pane: target.dataset.pane });
  });
}

function focusLatestMessage() {
  const workspace = getWorkspace();
  const latest = workspace.messagesIn(workspace.conversation).at(-1);
  if (latest) selectMessage(latest.key, { focus: true });
}

initTabs();
initSidebar();
initMessages(getWorkspace);
initComposer(getWorkspace, focusLatestMessage);
initFlows();
initHome(getWorkspace);
initModal(getWorkspace);
feed.addEventListener("change", render);
feed.addEventListener("connection", renderConnection);
selection.addEventListener("change", render);
setInterval(updateWaitingTime, 500);
renderTabs();
feed.connect();
