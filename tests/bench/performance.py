"""Start time, echo latency, a burst of messages, idle load and memory, at a given response time of Slack."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.burst import BURST_SIZE, BurstResult, measure_burst
from tests.bench.environment import (
    BenchEnvironment,
    bench_environment,
    peak_resident_bytes,
    resident_bytes,
)
from tests.bench.latency import echo_latencies
from tests.bench.report import Report, mebibytes, median_and_p95, milliseconds
from tests.support.cpu_time import cpu_seconds

ECHOES = 50
STARTS = 5
SETTLE_SECONDS = 5.0
"""After the last event or action; then the pack counts as idle."""
IDLE_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class Performance:
    """The measurements at one response time of Slack; sizes in bytes, rates in requests per second."""

    start_seconds: float
    echo_seconds: list[float]
    echo_cpu_seconds: float
    burst: BurstResult
    burst_cpu_seconds: float
    idle_flyte_rate: float
    idle_slack_rate: float
    memory_at_start: int
    memory_after_burst: int
    peak_memory: int


async def measure_performance(directory: Path, latency_seconds: float) -> Performance:
    """Measures start, single echoes, a burst and idling; takes about 40 seconds."""
    async with bench_environment(directory, latency_seconds=latency_seconds) as env:
        start_seconds = median([await _start(env) for _ in range(STARTS)])
        async with env.pack() as (pack, _):
            await env.slack.wait_for(lambda: env.slack.counters["auth.test"] > 0)
            await asyncio.sleep(1.0)  # lets the work done at start finish
            memory_at_start = resident_bytes(pack)
            cpu_before = cpu_seconds(pack.process.pid)
            echo_seconds = await echo_latencies(env, ECHOES, seed=1)
            echo_cpu_seconds = (cpu_seconds(pack.process.pid) - cpu_before) / ECHOES
            cpu_before = cpu_seconds(pack.process.pid)
            burst = await measure_burst(env)
            burst_cpu_seconds, memory_after_burst = cpu_seconds(pack.process.pid) - cpu_before, resident_bytes(pack)
            idle_flyte_rate, idle_slack_rate = await _idle_rates(env)
            peak_memory = peak_resident_bytes(pack)
            await pack.stop()
    return Performance(
        start_seconds=start_seconds,
        echo_seconds=echo_seconds,
        echo_cpu_seconds=echo_cpu_seconds,
        burst=burst,
        burst_cpu_seconds=burst_cpu_seconds,
        idle_flyte_rate=idle_flyte_rate,
        idle_slack_rate=idle_slack_rate,
        memory_at_start=memory_at_start,
        memory_after_burst=memory_after_burst,
        peak_memory=peak_memory,
    )


def print_performance(report: Report, columns: list[Performance]) -> None:
    """Prints the measurements side by side."""
    echoes = [median_and_p95(one.echo_seconds) for one in columns]
    burst = f"{BURST_SIZE} messages at once"
    report.row("startup until registered and connected, median", *(milliseconds(one.start_seconds) for one in columns))
    report.row("one echo at a time: median", *(middle for middle, _ in echoes))
    report.row("one echo at a time: 95th percentile", *(tail for _, tail in echoes))
    report.row("one echo at a time: CPU time of the pack", *(milliseconds(one.echo_cpu_seconds) for one in columns))
    report.row(f"{burst}: all delivered to Flyte", *(f"{one.burst.events_seconds:.2f} s" for one in columns))
    report.row(f"{burst}: all echoes in Slack", *(f"{one.burst.echoes_seconds:.2f} s" for one in columns))
    report.row(f"{burst}: found in Slack", *(report.check("burst", one.burst.problems) for one in columns))
    report.row(
        f"{burst}: CPU time of the pack for each",
        *(milliseconds(one.burst_cpu_seconds / BURST_SIZE) for one in columns),
    )
    report.row("idle: requests per second to Flyte", *(f"{one.idle_flyte_rate:.2f}" for one in columns))
    report.row("idle: requests per second to Slack", *(f"{one.idle_slack_rate:.2f}" for one in columns))
    report.row("memory (RSS) after startup", *(mebibytes(one.memory_at_start) for one in columns))
    report.row("memory (RSS) after the load", *(mebibytes(one.memory_after_burst) for one in columns))
    report.row("memory (RSS): peak", *(mebibytes(one.peak_memory) for one in columns))


async def _start(env: BenchEnvironment) -> float:
    async with env.pack() as (pack, seconds):
        await pack.stop()
    return seconds


async def _idle_rates(env: BenchEnvironment) -> tuple[float, float]:
    """Returns the requests per second to Flyte and to Slack."""
    await asyncio.sleep(SETTLE_SECONDS)
    began = time.monotonic()
    flyte, slack = len(env.flyte.requests), len(env.slack.calls)
    await asyncio.sleep(IDLE_SECONDS)
    seconds = time.monotonic() - began
    return (len(env.flyte.requests) - flyte) / seconds, (len(env.slack.calls) - slack) / seconds
