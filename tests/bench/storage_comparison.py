"""The storages side by side: messages stored and delivered per second, and the latency of single echoes."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.environment import TIMEOUT_SECONDS, BenchEnvironment, bench_environment, cpu_seconds
from tests.bench.latency import echo_latencies
from tests.bench.report import Report, median_and_p95, milliseconds
from tests.bench.storages import MEMORY, BenchStorage, bench_storages
from tests.support.daemon_process import DaemonProcess

OUTAGE_MESSAGES = 10_000
ECHOES = 100
REPLICAS = (1, 3)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The figures of one storage; times in seconds."""

    acknowledged: float
    """From posting a single message."""
    echoes: list[float]
    stored: float
    """Until all messages of an outage were stored and acknowledged."""
    cpu: float
    """Of all packs until then."""
    delivered: float
    """From the first delivery after the outage to the last."""
    problems: list[str]


async def compare_storages(report: Report, directory: Path) -> None:
    """Prints a column for each storage; takes about two minutes."""
    directory.mkdir()
    async with bench_storages(directory, REPLICAS) as storages:
        columns = [await _measure(directory / f"run-{number}", one) for number, one in enumerate(storages)]
    report.heading("Messages stored in", *(one.name for one in storages))
    echoes = [median_and_p95(one.echoes) for one in columns]
    many = f"{OUTAGE_MESSAGES} messages at once, Flyte down"
    report.row(f"{many}: stored, per second", *(f"{OUTAGE_MESSAGES / one.stored:.0f}" for one in columns))
    report.row("  CPU time of the packs per message", *(milliseconds(one.cpu / OUTAGE_MESSAGES) for one in columns))
    report.row("  Flyte is back: delivered per second", *(f"{OUTAGE_MESSAGES / one.delivered:.0f}" for one in columns))
    report.row("  delivered to Flyte", *(report.check("outage", one.problems) for one in columns))
    report.row("until a message is acknowledged: median", *(milliseconds(one.acknowledged) for one in columns))
    report.row("one echo at a time: median", *(middle for middle, _ in echoes))
    report.row("one echo at a time: 95th percentile", *(tail for _, tail in echoes))


async def _measure(directory: Path, storage: BenchStorage) -> Comparison:
    async with bench_environment(directory, acknowledgement_seconds=TIMEOUT_SECONDS) as env:
        if storage.url != MEMORY:
            await storage.join(env)
        async with storage.packs(env) as packs:
            known = len(env.slack.acknowledged)
            echoes = await echo_latencies(env, ECHOES, seed=2)
            single = list(env.slack.acknowledged.values())[known:]
            outage = await _post_during_outage(env, packs)
    return Comparison(median(one.at - one.raised_at for one in single), echoes, *outage)


async def _post_during_outage(
    env: BenchEnvironment, packs: list[DaemonProcess]
) -> tuple[float, float, float, list[str]]:
    """Returns the seconds until all are stored, those of CPU time, the seconds of delivery, and the problems."""
    await env.flyte.go_down()
    acknowledged, earlier = env.slack.counters["acknowledged"] + OUTAGE_MESSAGES, len(env.flyte.events)
    cpu_before, began = sum(map(cpu_seconds, packs)), time.monotonic()
    posted = Counter(_post(env, number) for number in range(OUTAGE_MESSAGES))
    await env.slack.wait_for(lambda: env.slack.counters["acknowledged"] >= acknowledged, TIMEOUT_SECONDS)
    stored, cpu = time.monotonic() - began, sum(map(cpu_seconds, packs)) - cpu_before
    await env.flyte.come_up()
    await env.flyte.wait_for(lambda: len(env.flyte.events) > earlier, TIMEOUT_SECONDS)
    first_at = env.flyte.events[earlier].at
    await env.flyte.wait_for(lambda: len(env.flyte.events) >= earlier + OUTAGE_MESSAGES, TIMEOUT_SECONDS)
    delivered = time.monotonic() - first_at
    payloads = [event.payload for event in list(env.flyte.events)[earlier:]]
    received = Counter(str(payload["message"]) for payload in payloads if isinstance(payload, dict))
    differences = (posted - received) + (received - posted)
    return stored, cpu, delivered, [f"{text}: {count}" for text, count in differences.items()]


def _post(env: BenchEnvironment, number: int) -> str:
    place = number % len(env.channels)
    text = f"message number {number}"
    env.slack.say(env.people[place], env.channels[place], text)
    return text
