"""`make bench`: measure the pack between the two simulated servers, and print a table."""

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from entrypoints.observability.logs import configure_logs
from tests.bench.backlog import measure_waiting
from tests.bench.burst import measure_round, print_rounds
from tests.bench.durability_cost import measure_safety
from tests.bench.report import Report

_LATENCIES = (0.0, 0.05)


def main() -> int:
    """Measure; 0 unless something was lost or doubled."""
    options = _options()
    configure_logs("error")
    report = Report()
    print(f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} cores, {_memory()}")
    with tempfile.TemporaryDirectory(prefix="flyte-slack-bench-") as directory:
        uvloop.run(_measure(report, Path(directory), options))
    for problem in report.wrong:
        print(f"WRONG: {problem}", file=sys.stderr)
    return 1 if report.wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=("rounds", "safety", "million"), help="measure this part alone")
    parser.add_argument("--messages", type=int, default=1_000_000, help="how many are to wait (only with million)")
    return parser.parse_args()


async def _measure(report: Report, directory: Path, options: argparse.Namespace) -> None:
    if options.only in (None, "rounds"):
        report.heading("Slack answers", "at once", "in 50 ms a call")
        print_rounds(report, [await measure_round(directory / f"round{one}", one) for one in _LATENCIES])
    if options.only in (None, "safety"):
        report.heading("What safety costs", "")
        await measure_safety(report, directory)
    if options.only == "million":
        report.heading("A great many messages waiting", "")
        await measure_waiting(report, directory / "million", options.messages)


def _memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 2**30:.0f} GiB"


if __name__ == "__main__":
    sys.exit(main())
