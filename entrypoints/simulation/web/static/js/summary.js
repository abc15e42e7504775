/** The header's counters: what became of all messages and actions. */

import { byId, element, render } from "./dom.js";

/** Renders the counters. */
export function renderSummary({ feed }) {
  const summary = feed.get("summary");
  if (!summary) return;
  if (summary.is_slack_only) return renderOfApp(summary);
  const { delivered, at_slack, in_pack, dead_lettered, duplicates } = summary;
  const { pending_actions, succeeded, failed, handled, not_answered } = summary;
  render(byId("summary"), summary, () => [
    counter("delivered", "Delivered", delivered, "good", "Messages that Flyte has accepted"),
    counter("waiting", "Waiting", at_slack + in_pack, "waiting", `${at_slack} at Slack, ${in_pack} in the pack`),
    counter("dead", "Dead letters", dead_lettered, "bad", "Messages that the pack has stopped delivering"),
    counter("duplicates", "Duplicates", duplicates, "bad", "Messages that Flyte got more than once"),
    counter("actions", "Actions pending", pending_actions, "waiting", "Actions that no pack has completed yet"),
    counter("succeeded", "Succeeded", succeeded, "good", "Actions that succeeded"),
    counter("failed", "Failed", failed, "bad", `Actions that failed and that no step handled; ${handled} more were handled`),
    counter("not-answered", "Not answered", not_answered, "warning", "Messages for which steps ran, and no one saw an answer"),
  ]);
}

/** Renders what is known of an app of any kind. */
function renderOfApp(summary) {
  const { acknowledged, at_slack, unanswered, posts } = summary;
  render(byId("summary"), summary, () => [
    counter("acknowledged", "Acknowledged", acknowledged, "good", "Messages, clicks and commands that the app has acknowledged"),
    counter("waiting", "Waiting", at_slack, "waiting", "Those that Slack holds until the app takes them"),
    counter("unanswered", "Not acknowledged", unanswered, "bad", "Clicks and commands that the app has not acknowledged in time"),
    counter("posts", "Posted", posts, "", "Messages of the app"),
  ]);
}

function counter(id, name, count, tone, title) {
  const properties = { id: `summary-${id}`, className: count ? tone : "", title };
  return element("div", properties, element("dt", {}, name), element("dd", {}, String(count)));
}
