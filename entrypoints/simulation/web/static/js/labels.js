/** Labels for delivery stages, trace steps and what a message waits for. */

import { formatDuration } from "./dom.js";

const STAGES = {
  bot_absent: ["muted", (app) => `not for the ${app}`],
  ignored: ["muted", (app) => `ignored by the ${app}`],
  at_slack: ["waiting", () => "waiting at Slack"],
  in_pack: ["waiting", () => "waiting for Flyte"],
  acknowledged: ["good", () => "acknowledged"],
  delivered: ["good", () => "delivered"],
  dead_lettered: ["bad", () => "dead letter"],
  unanswered: ["bad", () => "not acknowledged"],
};

/** Returns a message's status: its tone (`good`, `waiting`, `warning`, `bad`, `muted`) and its label. `app` is the app's kind. */
export function status(trace, app) {
  const [tone, label] = STAGES[trace.stage];
  const { kind, reason, ms } = trace.outcome;
  switch (kind) {
    case "failed":
      return { tone: "bad", label: `failed: ${reason}` };
    case "pending":
      return reason ? { tone: "warning", label: `action pending: ${reason}` } : { tone: "waiting", label: "action pending" };
    case "no_flow":
      return { tone: "muted", label: `no flow ran, ${formatDuration(ms)}` };
    case "not_answered":
      return { tone: "warning", label: `not answered: ${reason}` };
    case "answered":
      if (reason) return { tone: "warning", label: `answered in ${formatDuration(ms)}, but ${reason}` };
      return { tone: "good", label: `answered in ${formatDuration(ms)}` };
    default:
      return { tone, label: label(app) };
  }
}

const VIEW_CHANGES = { opened: "Modal opened", pushed: "Modal opened on top", updated: "Modal updated", published: "Home tab published" };

/** The steps by kind: where each happens, and its label, from the step and the app's kind. */
export const STEPS = {
  posted: ["slack", () => "Posted"],
  done: ["slack", () => "Done"],
  edited: ["slack", () => "Edited"],
  unanswered: ["slack", ({ reason }) => `Not acknowledged: ${reason}`],
  delivered: ["slack", ({ attempt }, app) => (attempt ? `Delivered again, attempt ${attempt + 1}` : `Delivered to the ${app}`)],
  received: ["pack", () => "Received"],
  persisted: ["pack", () => "Stored in the outbox"],
  acknowledged: ["slack", () => "Acknowledged"],
  given_up: ["slack", () => "Slack gives up delivering the message"],
  published: ["flyte", ({ event }) => `Event accepted: ${event}`],
  dead_lettered: ["pack", () => "Moved to the dead letters"],
  no_flow: ["flyte", ({ event }) => `No flow waits for ${event}`],
  flow_step: ["flyte", flowStep],
  action_created: ["flyte", ({ pack, command }) => `Action created for ${pack}: ${command}`],
  action_taken: ["pack", ({ pack }) => `Action taken by ${pack}`],
  reply_rejected: ["slack", ({ error }) => `Slack rejects the post: ${error}`],
  reply_posted: ["slack", () => "Reply posted"],
  file_shared: ["slack", () => "File shared"],
  ephemeral_posted: ["slack", () => "Message shown to one person"],
  message_updated: ["slack", () => "Message updated"],
  message_deleted: ["slack", () => "Message deleted"],
  reaction_added: ["slack", ({ reaction }) => `Reaction added: ${reaction}`],
  reaction_removed: ["slack", ({ reaction }) => `Reaction taken back: ${reaction}`],
  view_changed: ["slack", ({ change }) => VIEW_CHANGES[change]],
  call_rejected: ["slack", ({ method, error }) => `Slack rejects ${method}: ${error}`],
  action_completed: ["flyte", ({ event, handled_by }) => `Action completed: ${event}${handled_by ? `, handled by ${handled_by}` : ""}`],
};

function flowStep({ flow, step, outcome, reason, part }) {
  const name = step ? `Flow ${flow}, step ${step}` : `Flow ${flow}`;
  if (outcome === "matched") return `${name}: matched`;
  return outcome === "failed" ? `${name}: ${part} failed: ${reason}` : `${name}: ${reason}`;
}

/** Returns what a message is waiting for; empty for nothing. */
export function waitingFor(trace, app) {
  if (trace.stage === "at_slack") return `Slack holds the message until the ${app} takes it`;
  if (trace.stage === "in_pack") return "The pack holds the message until Flyte accepts it";
  return trace.pending_actions ? "Flyte waits for the result of the action" : "";
}
