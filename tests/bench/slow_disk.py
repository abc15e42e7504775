"""Single echoes on a disk whose syncs stall now and then."""

import asyncio
import shutil
import subprocess
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from tests.bench.environment import bench_environment
from tests.bench.latency import echo_latencies
from tests.bench.report import Report, milliseconds

STALL_SECONDS: Final = 0.2
EVERY_SECONDS: Final = 2.0
_ECHOES: Final = 500
_SOURCE: Final = Path(__file__).with_suffix(".c")


async def measure_slow_disk(report: Report, directory: Path) -> None:
    """Prints the latencies of echoes, some of which are stalled; takes about a minute. Needs a C compiler."""
    async with bench_environment(directory) as env:
        library = await asyncio.to_thread(_compile, directory)
        variables = {
            "LD_PRELOAD": str(library),
            "SLOW_DISK_STALL": f"{STALL_SECONDS * 1000:.0f}",
            "SLOW_DISK_EVERY": f"{EVERY_SECONDS * 1000:.0f}",
        }
        async with env.pack(**variables) as (pack, _):
            seconds = await echo_latencies(env, _ECHOES, seed=1)
            await pack.stop()
    report.heading(f"A disk that stalls for {STALL_SECONDS:g} s every {EVERY_SECONDS:g} s", "")
    report.row("one echo at a time: median", milliseconds(median(seconds)))
    report.row("one echo at a time: 99th percentile", milliseconds(quantiles(seconds, n=100)[-1]))
    report.row("one echo at a time: slowest", milliseconds(max(seconds)))


def _compile(directory: Path) -> Path:
    compiled = directory / "slow_disk.so"
    compiler = shutil.which("cc") or "cc"
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", compiled, _SOURCE, "-ldl"], check=True)  # noqa: S603 - ours
    return compiled
