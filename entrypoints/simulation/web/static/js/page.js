/** The page: joins what the server tells with what people choose, and shows both. */

import { choice } from "./choice.js";
import { setUpComposer, showComposer } from "./composer.js";
import { select, setUpConversation, showConversation } from "./conversation.js";
import { arrows, byId } from "./dom.js";
import { showFaults } from "./faults.js";
import { setUpFlows, showFlows } from "./flows.js";
import { showLedger } from "./ledger.js";
import { Board } from "./live.js";
import { setUpPlaces, showPlaces } from "./places.js";
import { showWay, tick } from "./way.js";
import { World } from "./world.js";

const COMPLAINT = 6000; // ms for which a complaint stays
const TABS = ["way", "flows", "faults"];

const board = new Board();
let complaining = 0;

/** Tells people why something was not done. */
function complain(error) {
  byId("complaint").textContent = error.message;
  clearTimeout(complaining);
  complaining = setTimeout(() => (byId("complaint").textContent = ""), COMPLAINT);
}

/** The workspace as it is now. */
const newWorld = () => new World(board);

/** Takes the keyboard to the latest message. */
function goUp() {
  const world = newWorld();
  const last = world.messagesOf(world.room).at(-1);
  if (last) select(last.key, { focus: true });
}

function show() {
  const world = newWorld();
  if (!world.bot) return; // nothing has come yet
  showLedger(world);
  showPlaces(world, complain);
  showConversation(world, complain);
  showComposer(world);
  showWay(world);
  showFlows(world);
  showFaults(world, complain);
  showTabs();
}

function showTabs() {
  document.body.dataset.pane = choice.get("pane");
  document.body.dataset.tab = choice.get("tab");
  for (const button of byId("panes").children) button.setAttribute("aria-pressed", String(button.dataset.pane === choice.get("pane")));
  for (const name of TABS) {
    const isChosen = name === choice.get("tab");
    byId(`tab-${name}`).setAttribute("aria-selected", String(isChosen));
    byId(`tab-${name}`).tabIndex = isChosen ? 0 : -1;
    byId(`panel-${name}`).hidden = !isChosen;
  }
}

function showLink() {
  const link = byId("link");
  link.className = board.isLinked ? "good" : "bad";
  link.textContent = board.isLinked ? "live" : "no connection";
}

function setUpTabs() {
  const tabs = TABS.map((name) => byId(`tab-${name}`));
  for (const name of TABS) byId(`tab-${name}`).addEventListener("click", () => choice.set({ tab: name }));
  arrows(byId("tabs"), () => tabs, (tab) => (tab.focus(), tab.click()), ["ArrowLeft", "ArrowRight"]);
  byId("panes").addEventListener("click", (event) => {
    if (event.target.dataset.pane) choice.set({ pane: event.target.dataset.pane });
  });
}

setUpTabs();
setUpPlaces(complain);
setUpConversation(newWorld, complain);
setUpComposer(newWorld, complain, goUp);
setUpFlows(complain);
board.addEventListener("change", show);
board.addEventListener("link", showLink);
choice.addEventListener("change", show);
setInterval(tick, 500);
showTabs();
board.follow();
