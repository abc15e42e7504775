"""The storages one below the other: messages stored and delivered per second, and how soon people get answers."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from entrypoints.simulation.flyte.flow_loader import flow_from_file
from tests.bench.clicks import MODAL_FLOW, click_latencies
from tests.bench.environment import TIMEOUT_SECONDS, BenchEnvironment, bench_environment
from tests.bench.latency import echo_latencies
from tests.bench.report import Report, median_and_p95, milliseconds
from tests.bench.storages import MEMORY, BenchStorage, bench_storages
from tests.support.cpu_time import cpu_seconds
from tests.support.daemon_process import DaemonProcess

OUTAGE_MESSAGES = 5_000
ECHOES = 100
CLICKS = 100
POSTS = 60
_PACE = {"FLYTE_SLACK_MESSAGES_PER_SECOND": "4", "FLYTE_SLACK_MESSAGE_BURST": "4"}
"""Lets so many posts into one channel within 14 s."""
REPLICAS = (1, 3)


@dataclass(frozen=True, slots=True)
class _Outage:
    """How messages were stored while Flyte was down, and delivered afterwards; times in seconds."""

    stored: float
    """Until all messages were stored and acknowledged."""
    cpu: float
    """Of all packs until then."""
    delivered: float
    """From the first delivery to the last."""
    problems: list[str]


async def compare_storages(report: Report, directory: Path) -> None:
    """Prints a row for each storage; takes three to five minutes."""
    directory.mkdir()
    report.heading(
        "Messages stored in",
        *("stored/s", "CPU each", "delivered/s", "found", "acknowledged"),
        *("echo p50", "echo p95", "modal p50", "modal p95", f"{POSTS} posts"),
        is_narrow=True,
    )
    async with bench_storages(directory, REPLICAS) as storages:
        for number, storage in enumerate(storages):
            report.row(storage.name, *await _measure(report, directory / f"run-{number}", storage))


async def _measure(report: Report, directory: Path, storage: BenchStorage) -> list[str]:
    """Returns the cells of a row."""
    async with bench_environment(directory, acknowledgement_seconds=TIMEOUT_SECONDS) as env:
        if storage.url != MEMORY:
            await storage.join(env)
        env.flyte.add_flow(flow_from_file(MODAL_FLOW))
        async with storage.packs(env, **_PACE) as packs:
            known = len(env.slack.acknowledged)
            echoes = await echo_latencies(env, ECHOES, seed=2)
            acknowledged = [one.at - one.raised_at for one in list(env.slack.acknowledged.values())[known:]]
            modals = await click_latencies(env, CLICKS)
            paced = await _post_into_one_channel(env)
            outage = await _post_during_outage(env, packs)
    return [
        f"{OUTAGE_MESSAGES / outage.stored:.0f}",
        milliseconds(outage.cpu / OUTAGE_MESSAGES),
        f"{OUTAGE_MESSAGES / outage.delivered:.0f}",
        report.check(storage.name, outage.problems),
        milliseconds(median(acknowledged)),
        *median_and_p95(echoes),
        *median_and_p95(modals),
        f"{paced:.1f} s",
    ]


async def _post_into_one_channel(env: BenchEnvironment) -> float:
    """Returns the seconds until the last post of many actions on one channel was there."""
    posts, began = env.slack.counters["posts"] + POSTS, time.monotonic()
    for number in range(POSTS):
        env.flyte.queue_action("Slack", "SendMessage", {"channelId": env.channels[0], "message": f"paced {number}"})
    await env.slack.wait_for(lambda: env.slack.counters["posts"] >= posts, TIMEOUT_SECONDS)
    return env.slack.posts[-1].at - began


async def _post_during_outage(env: BenchEnvironment, packs: list[DaemonProcess]) -> _Outage:
    await env.flyte.go_down()
    acknowledged, earlier = env.slack.counters["acknowledged"] + OUTAGE_MESSAGES, len(env.flyte.events)
    cpu_before, began = sum(cpu_seconds(pack.process.pid) for pack in packs), time.monotonic()
    posted = Counter(_post(env, number) for number in range(OUTAGE_MESSAGES))
    await env.slack.wait_for(lambda: env.slack.counters["acknowledged"] >= acknowledged, TIMEOUT_SECONDS)
    stored, cpu = time.monotonic() - began, sum(cpu_seconds(pack.process.pid) for pack in packs) - cpu_before
    await env.flyte.come_up()
    await env.flyte.wait_for(lambda: len(env.flyte.events) > earlier, TIMEOUT_SECONDS)
    first_at = env.flyte.events[earlier].at
    await env.flyte.wait_for(lambda: len(env.flyte.events) >= earlier + OUTAGE_MESSAGES, TIMEOUT_SECONDS)
    delivered = time.monotonic() - first_at
    payloads = [event.payload for event in list(env.flyte.events)[earlier:]]
    received = Counter(str(payload["message"]) for payload in payloads if isinstance(payload, dict))
    differences = (posted - received) + (received - posted)
    return _Outage(stored, cpu, delivered, [f"{text}: {count}" for text, count in differences.items()])


def _post(env: BenchEnvironment, number: int) -> str:
    place = number % len(env.channels)
    text = f"message number {number}"
    env.slack.say(env.people[place], env.channels[place], text)
    return text
