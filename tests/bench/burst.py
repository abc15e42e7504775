"""One round: everything that is measured of a pack whose Slack answers at a certain speed."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.environment import Stage, cpu_seconds, peak_resident_bytes, resident_bytes, stage
from tests.bench.latency import many_at_once, one_at_a_time
from tests.bench.report import Report, mebibytes, middle_and_tail, milliseconds

ECHOES = 50
STARTS = 5
QUIET_SECONDS = 5.0
"""After the last event or action; then the pack counts as idle."""
IDLE_SECONDS = 12.0


@dataclass(slots=True)
class Round:
    """What was measured."""

    start_seconds: float
    echoes: list[float]
    all_heard_seconds: float
    all_answered_seconds: float
    differences: list[str]
    load_cpu_seconds: float
    idle_flyte_rate: float
    idle_slack_rate: float
    idle_bytes: int
    loaded_bytes: int
    peak_bytes: int


async def measure_round(directory: Path, latency_seconds: float) -> Round:
    """Start, echoes one at a time and all at once, idling; about 40 s."""
    async with stage(directory, latency_seconds=latency_seconds) as set_up:
        start_seconds = median([await _start(set_up) for _ in range(STARTS)])
        async with set_up.pack() as (pack, _):
            await set_up.slack.wait_for(lambda: set_up.slack.counters["auth.test"] > 0)
            await asyncio.sleep(1.0)  # whatever a start brings along is over
            idle_bytes = resident_bytes(pack)
            echoes = await one_at_a_time(set_up, ECHOES, seed=1)
            cpu = cpu_seconds(pack)
            all_heard, all_answered, differences = await many_at_once(set_up)
            cpu, loaded_bytes = cpu_seconds(pack) - cpu, resident_bytes(pack)
            flyte_rate, slack_rate = await _idle(set_up)
            peak = peak_resident_bytes(pack)
            await pack.stop()
    return Round(
        start_seconds,
        echoes,
        all_heard,
        all_answered,
        differences,
        cpu,
        flyte_rate,
        slack_rate,
        idle_bytes,
        loaded_bytes,
        peak,
    )


def print_rounds(report: Report, rounds: list[Round]) -> None:
    """The rounds beside one another."""
    echoes = [middle_and_tail(one.echoes) for one in rounds]
    report.row("start: to registered and hearing, median", *(milliseconds(one.start_seconds) for one in rounds))
    report.row("one echo at a time: median", *(middle for middle, _ in echoes))
    report.row("one echo at a time: 95th percentile", *(tail for _, tail in echoes))
    report.row("500 messages at once: all with Flyte", *(f"{one.all_heard_seconds:.2f} s" for one in rounds))
    report.row("500 messages at once: all echoes with Slack", *(f"{one.all_answered_seconds:.2f} s" for one in rounds))
    report.row("500 messages at once: found in Slack", *(report.check("echoes", one.differences) for one in rounds))
    report.row("500 messages at once: the pack's CPU time", *(f"{one.load_cpu_seconds:.2f} s" for one in rounds))
    report.row("idle: requests a second to Flyte", *(f"{one.idle_flyte_rate:.2f}" for one in rounds))
    report.row("idle: requests a second to Slack", *(f"{one.idle_slack_rate:.2f}" for one in rounds))
    report.row("memory (RSS): started", *(mebibytes(one.idle_bytes) for one in rounds))
    report.row("memory (RSS): after the load", *(mebibytes(one.loaded_bytes) for one in rounds))
    report.row("memory (RSS): peak", *(mebibytes(one.peak_bytes) for one in rounds))


async def _start(set_up: Stage) -> float:
    async with set_up.pack() as (pack, seconds):
        await pack.stop()
    return seconds


async def _idle(set_up: Stage) -> tuple[float, float]:
    """Requests a second to Flyte and to Slack."""
    await asyncio.sleep(QUIET_SECONDS)
    began = time.monotonic()
    flyte, slack = len(set_up.flyte.requests), len(set_up.slack.calls)
    await asyncio.sleep(IDLE_SECONDS)
    seconds = time.monotonic() - began
    return (len(set_up.flyte.requests) - flyte) / seconds, (len(set_up.slack.calls) - slack) / seconds
