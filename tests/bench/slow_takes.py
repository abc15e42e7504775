"""Bursts whose actions a slow Flyte gives out one after another, as the real one does."""

from pathlib import Path
from typing import Final

from entrypoints.simulation.faults import Slow
from tests.bench.burst import BURST_SIZE, measure_burst
from tests.bench.environment import bench_environment
from tests.bench.report import Report, milliseconds
from tests.support.cpu_time import cpu_seconds

_TAKE_SECONDS: Final = (0.0, 0.005, 0.015, 0.03)
"""Beside the real Flyte, which reads all new actions for each take, 500 echoes take 7 to 8 s: 15 ms each."""


async def measure_slow_takes(report: Report, directory: Path) -> None:
    """Prints what a message of a burst costs, by the time that Flyte takes to give out an action."""
    report.heading(
        f"{BURST_SIZE} messages at once, each taken from Flyte in", "CPU time of each", "all echoes in Slack"
    )
    async with bench_environment(directory) as env, env.pack() as (pack, _):
        await measure_burst(env)  # fills the caches
        for seconds in _TAKE_SECONDS:
            env.flyte.faults.clear()
            env.flyte.faults.plan("take", Slow(seconds), times=None)
            used = cpu_seconds(pack.process.pid)
            burst = await measure_burst(env)
            used = cpu_seconds(pack.process.pid) - used
            report.check(f"takes of {milliseconds(seconds)}", burst.problems)
            report.row(milliseconds(seconds), milliseconds(used / BURST_SIZE), f"{burst.echoes_seconds:.2f} s")
        await pack.stop()
