/** How far messages have come, and where each station of a way is, in words. */

import { duration } from "./dom.js";

const STAGES = {
  unheard: ["muted", "not for the pack"],
  ignored: ["muted", "ignored by the pack"],
  at_slack: ["waiting", "waits at Slack"],
  in_pack: ["waiting", "waits for Flyte"],
  delivered: ["good", "delivered"],
  set_aside: ["bad", "set aside"],
};

/** What became of a message: how it looks (`good`, `waiting`, `bad`, `muted`) and what to call it. */
export function stage(way) {
  const [look, words] = STAGES[way.stage];
  if (way.stage !== "delivered") return { look, words };
  if (way.failed_actions) return { look: "bad", words: "answered with a failure" };
  if (way.open_actions) return { look: "waiting", words: "action in hand" };
  if (way.stations.some((station) => station.outcome === "failed")) return { look: "bad", words: "a flow failed" };
  if (!way.answers) return { look: "muted", words: `no flow ran, ${duration(way.last_ms)}` };
  return { look, words: `answered in ${duration(way.last_ms)}` };
}

/** The stations by kind: at which end they are, and what to call them. */
export const STATIONS = {
  said: ["slack", () => "Said"],
  delivered: ["slack", ({ attempt }) => (attempt ? `Delivered again, attempt ${attempt + 1}` : "Delivered to the pack")],
  received: ["pack", () => "Received"],
  safe: ["pack", () => "Safe in the outbox"],
  acknowledged: ["slack", () => "Acknowledged"],
  given_up: ["slack", () => "Slack gives up delivering it"],
  handed: ["flyte", ({ event }) => `Handed to Flyte: ${event}`],
  set_aside: ["pack", () => "Set aside"],
  no_flow: ["flyte", ({ event }) => `No flow waits for ${event}`],
  command: ["flyte", ({ pack, command }) => `Action for ${pack}: ${command}`],
  taken: ["pack", ({ pack }) => `Action taken by the pack ${pack}`],
  refused: ["slack", ({ error }) => `Slack refuses the post: ${error}`],
  sent: ["slack", () => "Posted in Slack"],
  answered: ["flyte", ({ event }) => `Answered: ${event}`],
};

/** What became of a step of a flow. */
export function verdict({ flow, step, outcome, reason, part }) {
  const name = step ? `Flow ${flow}, step ${step}` : `Flow ${flow}`;
  if (outcome === "matched") return `${name}: matched`;
  if (outcome === "failed") return `${name}: ${part} failed: ${reason}`;
  return `${name}: ${reason}`;
}

/** What a message that is not at its end is waiting for; empty for nothing. */
export function waitsFor(way) {
  if (way.stage === "at_slack") return "Slack keeps it until the pack takes it";
  if (way.stage === "in_pack") return "The pack keeps it until Flyte takes it";
  if (way.open_actions) return "Flyte waits for the answer to the action";
  return "";
}
