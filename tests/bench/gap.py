"""Latency of live messages while the history of many channels is being read."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from entrypoints.simulation.flyte import trace
from entrypoints.simulation.slack import event_log
from tests.bench.environment import TIMEOUT_SECONDS, BenchEnvironment, bench_environment
from tests.bench.report import Report, milliseconds

MessageKey = tuple[str, str]
"""Channel and `ts`."""

CHANNELS = 40
THREADS = 6
"""In each channel; each by a person of their own."""
_LIVE_MESSAGES = 200
_LIVE_INTERVAL_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class LiveLatency:
    """Seconds until each live message was acknowledged to Slack, and until it reached Flyte."""

    acknowledged: list[float]
    delivered: list[float]
    delivered_undisturbed: list[float]
    """Those of channels of which no missed message was delivered meanwhile."""
    missed_count: int
    """Missed messages that reached Flyte meanwhile."""


async def measure_live_latency(directory: Path) -> LiveLatency:
    """Restarts the pack after a gap, at Slack's documented limits, and posts messages meanwhile; takes a minute."""
    async with bench_environment(directory, channels=CHANNELS) as env:
        async with env.pack() as (pack, _):
            for channel in env.channels:
                env.slack.say(env.regular, channel, "before the gap")
            await env.flyte.wait_for(lambda: len(env.flyte.events) >= CHANNELS, TIMEOUT_SECONDS)
            await pack.stop()
        missed = _miss(env)
        env.slack.limits.tiers = True
        async with env.pack() as (pack, _):
            latency = await _post_live(env, missed)
            await pack.stop()
    return latency


def print_live_latency(report: Report, latency: LiveLatency) -> None:
    """Prints medians and 99th percentiles."""
    for label, seconds in (
        ("acknowledged", latency.acknowledged),
        ("at Flyte", latency.delivered),
        ("at Flyte, no missed message of the channel before it", latency.delivered_undisturbed),
    ):
        report.row(f"live messages {label}: median", milliseconds(median(seconds)))
        report.row(f"live messages {label}: p99", milliseconds(quantiles(seconds, n=100)[-1]))
    report.row("missed messages delivered meanwhile", str(latency.missed_count))


def _miss(env: BenchEnvironment) -> set[MessageKey]:
    """Posts threads that Slack gives up delivering. Returns their messages."""
    missed: set[MessageKey] = set()
    for number in range(CHANNELS * THREADS):
        channel, person = env.channels[number % CHANNELS], env.slack.add_user(f"thread{number}")
        env.slack.workspace.join(env.slack.workspace.channels[channel], env.slack.workspace.users[person])
        parent = env.slack.say(person, channel, f"parent {number}")
        missed |= {(channel, parent), (channel, env.slack.say(person, channel, f"reply {number}", thread_ts=parent))}
    env.slack.deliveries.discard_unacknowledged()
    return missed


async def _post_live(env: BenchEnvironment, missed: set[MessageKey]) -> LiveLatency:
    posted: dict[MessageKey, float] = {}
    acknowledged: dict[MessageKey, float] = {}
    delivered: dict[MessageKey, float] = {}

    def on_slack_event(seen: event_log.SlackEvent) -> None:
        if isinstance(seen, event_log.Acknowledged):
            acknowledged.setdefault((seen.channel, seen.ts), time.monotonic())

    def on_flyte_event(seen: trace.TraceEvent) -> None:
        if isinstance(seen, trace.EventAccepted) and isinstance(seen.payload, dict):
            delivered.setdefault(
                (seen.payload.get("channelId", ""), seen.payload.get("timestamp", "")), time.monotonic()
            )

    env.slack.log.listeners.append(on_slack_event)
    env.flyte.listeners.append(on_flyte_event)
    for number in range(_LIVE_MESSAGES):
        channel, began = env.channels[number % CHANNELS], time.monotonic()
        posted[channel, env.slack.say(env.regular, channel, f"live {number}")] = began
        await asyncio.sleep(_LIVE_INTERVAL_SECONDS)
    await env.flyte.wait_for(lambda: posted.keys() <= delivered.keys(), TIMEOUT_SECONDS)
    missed_at = [(channel, delivered[channel, ts]) for channel, ts in missed & delivered.keys()]

    def is_undisturbed(key: MessageKey) -> bool:
        return not any(channel == key[0] and posted[key] <= at <= delivered[key] for channel, at in missed_at)

    return LiveLatency(
        acknowledged=[acknowledged[key] - posted[key] for key in posted],
        delivered=[delivered[key] - posted[key] for key in posted],
        delivered_undisturbed=[delivered[key] - posted[key] for key in posted if is_undisturbed(key)],
        missed_count=len(missed_at),
    )
