/** The ledger: what became of all that was said, always in view. */

import { byId, element, show } from "./dom.js";

/** Shows the ledger. */
export function showLedger(world) {
  const ledger = world.board.get("ledger");
  if (!ledger) return;
  const waiting = ledger.at_slack + ledger.in_pack;
  show(byId("ledger"), ledger, () => [
    entry("delivered", "Delivered", ledger.delivered, "good", "Messages that Flyte has"),
    entry("waiting", "Waiting", waiting, "waiting", `${ledger.at_slack} at Slack, ${ledger.in_pack} in the pack`),
    entry("set-aside", "Set aside", ledger.set_aside, "bad", "Messages that the pack gave up delivering, and keeps"),
    entry("twice", "Twice", ledger.delivered_again, "bad", "Messages that came to Flyte more than once"),
    entry("actions", "Actions open", ledger.open_actions, "waiting", "Actions that no pack has answered yet"),
    entry("answered", "Answered", ledger.answered, "good", "Actions that were answered with success"),
    entry("failed", "Failed", ledger.failed, "bad", "Actions that were answered with a failure"),
  ]);
}

function entry(id, name, count, look, title) {
  return element(
    "div",
    { id: `ledger-${id}`, className: count ? look : "", title },
    element("dt", {}, name),
    element("dd", {}, String(count)),
  );
}
