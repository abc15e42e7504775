"""What a feature costs: single echoes and bursts of a pack with it and of one without, in turns."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from tests.bench.burst import BURST_SIZE, measure_burst
from tests.bench.environment import BenchEnvironment, bench_environment
from tests.bench.latency import echo_latencies
from tests.bench.report import Report, milliseconds
from tests.support.cpu_time import cpu_seconds

ROUNDS: Final = 5
_WARM_UP: Final = 20
_ECHOES: Final = 60
_SETTLE_SECONDS: Final = 6.0
"""So that what is exported every five seconds counts."""


@dataclass(slots=True)
class Costs:
    """The figures of all rounds."""

    echo_seconds: list[float] = field(default_factory=list)
    echo_cpu_seconds: list[float] = field(default_factory=list)
    """For one echo, in each round."""
    burst_seconds: list[float] = field(default_factory=list)
    burst_cpu_seconds: list[float] = field(default_factory=list)
    """For one message, in each round."""


async def compare(report: Report, directory: Path, feature: str, off: Mapping[str, str], on: Mapping[str, str]) -> None:
    """Prints the figures with the variables `off` and `on`, and by how much they differ; takes about four minutes."""
    columns = [(off, Costs()), (on, Costs())]
    async with bench_environment(directory) as env:
        for number in range(ROUNDS):
            for variables, costs in columns:
                report.progress(f"{feature}: round {number + 1} of {ROUNDS}")
                await _measure(report, env, variables, costs, seed=number)
    _print(report, feature, *(costs for _, costs in columns))


async def _measure(
    report: Report, env: BenchEnvironment, variables: Mapping[str, str], costs: Costs, seed: int
) -> None:
    async with env.pack(**variables) as (pack, _):
        await env.slack.wait_for(lambda: env.slack.counters["auth.test"] > 0)
        await echo_latencies(env, _WARM_UP, seed)
        await asyncio.sleep(_SETTLE_SECONDS)
        pid = pack.process.pid
        before = cpu_seconds(pid)
        costs.echo_seconds += await echo_latencies(env, _ECHOES, seed)
        await asyncio.sleep(_SETTLE_SECONDS)
        costs.echo_cpu_seconds.append((cpu_seconds(pid) - before) / _ECHOES)
        before = cpu_seconds(pid)
        burst = await measure_burst(env)
        await asyncio.sleep(_SETTLE_SECONDS)
        costs.burst_cpu_seconds.append((cpu_seconds(pid) - before) / BURST_SIZE)
        costs.burst_seconds.append(burst.echoes_seconds)
        report.check("burst", burst.problems)
        await pack.stop()


def _print(report: Report, feature: str, off: Costs, on: Costs) -> None:
    report.heading(feature, "off", "on", "difference")
    for label, without, with_it in (
        ("one echo at a time: median", median(off.echo_seconds), median(on.echo_seconds)),
        ("one echo at a time: 95th percentile", _p95(off.echo_seconds), _p95(on.echo_seconds)),
        ("one echo at a time: CPU time of the pack", median(off.echo_cpu_seconds), median(on.echo_cpu_seconds)),
        (f"{BURST_SIZE} messages at once: all echoes in Slack", median(off.burst_seconds), median(on.burst_seconds)),
        (
            f"{BURST_SIZE} messages at once: CPU time for a message",
            median(off.burst_cpu_seconds),
            median(on.burst_cpu_seconds),
        ),
    ):
        report.row(label, milliseconds(without), milliseconds(with_it), f"{(with_it / without - 1) * 100:+.1f} %")


def _p95(samples: list[float]) -> float:
    return quantiles(samples, n=20)[-1]
