/** The trace panel: every step of the selected message with its time. */

import { byId, element, formatDuration, render } from "./dom.js";
import { STEPS, status, waitingFor } from "./labels.js";
import { plainText } from "./mrkdwn.js";
import { selection } from "./selection.js";

const PLACES = { slack: "Slack", pack: "Pack", flyte: "Flyte" };
const PLACES_OF_APP = { slack: "Slack" }; // what an app of any kind does is not known
const FAILED = ["reply_rejected", "given_up", "dead_lettered", "unanswered"];
const toggled = new Set(); // the steps whose details people opened or closed, by the trace's key and the step's index

/** Renders the trace of the selected message, or of the message that the selected one replies to. */
export function renderTrace(workspace) {
  const { feed } = workspace;
  const selected = selection.get("message");
  const key = workspace.repliedTo().get(selected) ?? selected;
  const [trace, message] = [feed.get(`trace/${key}`), feed.get(`message/${key}`)];
  render(byId("panel-trace"), [selected, key, trace, message], () => {
    if (!message) return hint("Select a message to see its trace.");
    const quote = quoteOf(workspace, message);
    if (!trace) return [quote, hint(reasonForNoTrace(workspace, message))];
    const { tone, label } = status(trace, workspace.app);
    return [
      key === selected ? null : hint("Reply to:"),
      quote,
      element("p", { className: `outcome ${tone}` }, label),
      laneLegend(workspace),
      element(
        "ol",
        { className: "steps" },
        trace.steps.map((step, index) => stepItem(workspace, key, step, index, trace)),
        trace.omitted ? element("li", { className: "muted" }, `${trace.omitted} more steps are not shown`) : null,
        pendingItem(workspace, trace, key),
      ),
    ];
  });
}

/** Updates how long the selected message has been waiting. */
export function updateWaitingTime() {
  for (const time of document.querySelectorAll(".pending time")) time.textContent = elapsedSince(time.dataset.since);
}

const hint = (text) => element("p", { className: "hint" }, text);

function reasonForNoTrace({ isSlackOnly }, message) {
  if (message.is_notice) return "Slack itself posts this notice: it has no trace.";
  if (message.is_bot && isSlackOnly) return "What the app does has no trace.";
  return message.is_bot ? "This replies to no message that is still known." : "This message has no trace.";
}

function quoteOf(workspace, { name, text }) {
  const excerpt = plainText(text, workspace.nameOf).slice(0, 200);
  return element("blockquote", { className: "quote" }, element("strong", {}, name), ` ${excerpt}`);
}

function laneLegend({ isSlackOnly }) {
  const names = Object.entries(isSlackOnly ? PLACES_OF_APP : PLACES).map(([place, name]) => element("span", { className: place }, name));
  return element("p", { className: "lanes", "aria-hidden": "true" }, names);
}

function stepItem(workspace, key, step, index, trace) {
  const [place, label] = STEPS[step.kind];
  const previousMs = index ? trace.steps[index - 1].ms : 0;
  const head = [
    element("span", {}, element("span", { className: "visually-hidden" }, `${PLACES[place]}: `), label(step, workspace.app)),
    element(
      "time",
      { title: `${formatDuration(Math.max(0, step.ms - previousMs))} after the previous step` },
      formatDuration(step.ms),
    ),
  ];
  const details = detailsOf(workspace, step);
  const className = `${place} ${toneOf(step)}`;
  if (details.length === 0) return element("li", { className }, element("p", { className: "head" }, head));
  const id = `${key}#${index}`;
  const isOpenByDefault = opensByDefault(step, trace);
  const ontoggle = ({ target }) => (target.open === isOpenByDefault ? toggled.delete(id) : toggled.add(id));
  return element("li", { className }, element(
    "details",
    { open: toggled.has(id) !== isOpenByDefault, ontoggle },
    element("summary", { id: `step-${index}`, className: "head" }, head),
    details,
  ));
}

/** Failures are open, and so are the reasons of unmatched steps if none matched. */
function opensByDefault({ kind, outcome, succeeded, handled_by }, trace) {
  if (outcome === "unmatched") return !trace.steps.some((step) => step.outcome === "matched");
  return outcome === "failed" || (succeeded === false && !handled_by) || kind === "dead_lettered";
}

function toneOf({ kind, outcome, succeeded, handled_by }) {
  if (handled_by) return "warning";
  if (outcome === "failed" || succeeded === false || FAILED.includes(kind)) return "bad";
  if (outcome === "matched" || succeeded) return "good";
  return outcome === "unmatched" || kind === "no_flow" ? "muted" : "";
}

function detailsOf(workspace, step) {
  const json = (value) => element("pre", {}, JSON.stringify(value, null, 2));
  switch (step.kind) {
    case "flow_step":
      return criteriaDetails(step);
    case "action_created":
      return step.input === null ? [] : [json(step.input)];
    case "action_completed":
      return [json(step.payload)];
    case "reply_posted":
    case "file_shared":
    case "ephemeral_posted":
    case "message_updated":
      return step.text ? [element("p", { className: "posted" }, plainText(step.text, workspace.nameOf))] : [];
    case "dead_lettered":
      return [element("p", {}, step.reason)];
    default:
      return [];
  }
}

function criteriaDetails({ criteria, rendered, values = [] }) {
  if (!criteria) return [];
  const rows = [...values, ["result", rendered]].filter(([, value]) => value !== "");
  return [
    element("pre", {}, criteria),
    element("dl", { className: "values" }, rows.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
  ];
}

function pendingItem({ app }, trace, key) {
  const label = waitingFor(trace, app);
  if (!label) return null;
  const since = Number(key.split("/")[1]) * 1000 + (trace.stage === "delivered" ? trace.last_ms : 0);
  const time = element("time", {}, elapsedSince(since));
  time.dataset.since = since;
  return element("li", { className: "pending" }, element("p", { className: "head" }, element("span", {}, label), time));
}

const elapsedSince = (since) => formatDuration(Math.max(0, Date.now() - Number(since)));
