"""Cost of durability: messages per second until stored, and latency compared with a storage in memory."""

import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.environment import TIMEOUT_SECONDS, BenchEnvironment, bench_environment, cpu_seconds
from tests.bench.latency import echo_latencies
from tests.bench.report import Report, milliseconds
from tests.support.daemon_process import DaemonProcess

OUTAGE_MESSAGES = 10_000
ECHOES = 50
_SYNCS = 50


@dataclass(frozen=True, slots=True)
class OutageResult:
    """Many messages posted while Flyte was down, and their delivery after it was back."""

    stored_seconds: float
    cpu_seconds: float
    delivered_seconds: float
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Latency:
    """Median seconds of single echoes."""

    acknowledged: float
    echoed: float


async def measure_durability_cost(report: Report, directory: Path) -> None:
    """Prints the cost of durability; takes about 40 seconds."""
    sync_seconds = _sync_seconds(directory)
    outage = await _measure_outage(directory / "outage")
    async with bench_environment(directory / "latency") as env:
        on_disk = await _measure_latency(env)
        channels = ",".join(env.channels)
        in_memory = await _measure_latency(
            env, FLYTE_SLACK_STORAGE="memory:", FLYTE_SLACK_DEFAULT_JOIN_CHANNEL=channels, FLYTE_SLACK_BACKUP_DIR=""
        )
    report.row("this disk: write and fsync of 4 KiB, median", milliseconds(sync_seconds))
    report.row(
        f"{OUTAGE_MESSAGES} messages at once, Flyte down: all stored and acknowledged", f"{outage.stored_seconds:.2f} s"
    )
    report.row("  messages per second", f"{OUTAGE_MESSAGES / outage.stored_seconds:.0f}")
    report.row("  CPU time of the pack per message", milliseconds(outage.cpu_seconds / OUTAGE_MESSAGES))
    report.row("  Flyte is back: messages delivered per second", f"{OUTAGE_MESSAGES / outage.delivered_seconds:.0f}")
    report.row("  delivered to Flyte", report.check("outage", outage.problems))
    report.row("time until a message is acknowledged: on disk", milliseconds(on_disk.acknowledged))
    report.row("time until a message is acknowledged: in memory", milliseconds(in_memory.acknowledged))
    report.row("one echo: on disk", milliseconds(on_disk.echoed))
    report.row("one echo: in memory", milliseconds(in_memory.echoed))
    report.row("one echo: added by storage on disk", milliseconds(on_disk.echoed - in_memory.echoed))


async def _measure_outage(directory: Path) -> OutageResult:
    async with (
        bench_environment(directory, acknowledgement_seconds=TIMEOUT_SECONDS) as env,
        env.pack() as (pack, _),
    ):
        result = await _post_during_outage(env, pack)
        await pack.stop()
    return result


async def _post_during_outage(env: BenchEnvironment, pack: DaemonProcess) -> OutageResult:
    await env.flyte.go_down()
    acknowledged = env.slack.counters["acknowledged"] + OUTAGE_MESSAGES
    cpu_before, began = cpu_seconds(pack), time.monotonic()
    posted = Counter(_post(env, number) for number in range(OUTAGE_MESSAGES))
    await env.slack.wait_for(lambda: env.slack.counters["acknowledged"] >= acknowledged, TIMEOUT_SECONDS)
    stored_seconds, cpu = time.monotonic() - began, cpu_seconds(pack) - cpu_before
    events = len(env.flyte.events)
    await env.flyte.come_up()
    await env.flyte.wait_for(lambda: len(env.flyte.events) > events, TIMEOUT_SECONDS)
    first_at = env.flyte.events[events].at
    await env.flyte.wait_for(lambda: len(env.flyte.events) >= events + OUTAGE_MESSAGES, TIMEOUT_SECONDS)
    delivered_seconds = time.monotonic() - first_at
    received = Counter(str(event.payload["message"]) for event in env.flyte.events if isinstance(event.payload, dict))
    differences = (posted - received) + (received - posted)
    return OutageResult(stored_seconds, cpu, delivered_seconds, [f"{text}: {n}" for text, n in differences.items()])


def _post(env: BenchEnvironment, number: int) -> str:
    place = number % len(env.channels)
    text = f"message number {number}"
    env.slack.say(env.people[place], env.channels[place], text)
    return text


async def _measure_latency(env: BenchEnvironment, **variables: str) -> Latency:
    async with env.pack(**variables) as (pack, _):
        known = len(env.slack.acknowledged)
        echo_seconds = await echo_latencies(env, ECHOES, seed=2)
        deliveries = list(env.slack.acknowledged.values())[known:]
        await pack.stop()
    return Latency(median(one.at - one.raised_at for one in deliveries), median(echo_seconds))


def _sync_seconds(directory: Path) -> float:
    """Returns the median seconds of a write with fsync, the largest part of the cost of durability."""
    samples = []
    with (directory / "sync").open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            began = time.monotonic()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            samples.append(time.monotonic() - began)
    return median(samples)
