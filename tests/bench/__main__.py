"""`make bench`: benchmark the pack between the two simulated servers and print tables."""

import argparse
import gc
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from entrypoints.observability.logs import configure_logs
from tests.bench.backlog import measure_backlog
from tests.bench.clicks import measure_clicks, print_clicks
from tests.bench.gap import CHANNELS, THREADS, measure_live_latency, print_live_latency
from tests.bench.large_action import measure_large_actions, print_large_actions
from tests.bench.metrics import measure_metrics
from tests.bench.performance import measure_performance, print_performance
from tests.bench.report import Report
from tests.bench.slow_disk import measure_slow_disk
from tests.bench.slow_takes import measure_slow_takes
from tests.bench.storage_comparison import compare_storages
from tests.bench.take_over import measure_take_over, print_take_over
from tests.bench.tracing import measure_tracing

_SLACK_LATENCIES = (0.0, 0.05)


def main() -> int:
    """Runs the benchmarks. Returns 1 if a message was lost or duplicated, otherwise 0."""
    options = _parse_options()
    configure_logs("error")
    gc.disable()  # the servers would stand still for seconds, while it looks through a million recorded events
    report = Report()
    print(f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {os.cpu_count()} cores, {_memory()}")
    with tempfile.TemporaryDirectory(prefix="flyte-slack-bench-") as directory:
        uvloop.run(_measure(report, Path(directory), options))
    for problem in report.problems:
        print(f"WRONG: {problem}", file=sys.stderr)
    return 1 if report.problems else 0


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only",
        choices=(
            *("performance", "clicks", "storages", "gap", "large-action", "take-over", "metrics", "tracing"),
            *("slow-disk", "slow-takes", "backlog"),
        ),
        help="run this benchmark only",
    )
    parser.add_argument("--storage", action="append", default=[], help="the label of a row (for `--only backlog`)")
    parser.add_argument("--messages", type=int, default=1_000_000, help="size of the backlog (`backlog`, `metrics`)")
    return parser.parse_args()


async def _measure(report: Report, directory: Path, options: argparse.Namespace) -> None:
    if options.only in (None, "performance"):
        report.heading("Slack answers", "at once", "after 50 ms")
        print_performance(
            report,
            [await measure_performance(directory / f"performance-{latency}", latency) for latency in _SLACK_LATENCIES],
        )
    if options.only in (None, "clicks"):
        report.heading("Slack answers", "at once", "after 50 ms")
        print_clicks(
            report, [await measure_clicks(directory / f"clicks-{latency}", latency) for latency in _SLACK_LATENCIES]
        )
    if options.only in (None, "storages"):
        await compare_storages(report, directory / "storages")
    if options.only in (None, "gap"):
        report.heading(f"After a gap: {CHANNELS} channels with {THREADS} threads each, Slack at its limits", "")
        print_live_latency(report, await measure_live_latency(directory / "gap"))
    if options.only in (None, "large-action"):
        print_large_actions(report, await measure_large_actions(directory / "large-action"))
    await _measure_on_request(report, directory, options)


async def _measure_on_request(report: Report, directory: Path, options: argparse.Namespace) -> None:
    if options.only == "tracing":
        await measure_tracing(report, directory / "tracing")
    if options.only == "take-over":
        print_take_over(report, await measure_take_over(report, directory / "take-over"))
    if options.only == "metrics":
        await measure_metrics(report, directory / "metrics", options.messages)
    if options.only == "slow-disk":
        await measure_slow_disk(report, directory / "slow-disk")
    if options.only == "slow-takes":
        await measure_slow_takes(report, directory / "slow-takes")
    if options.only == "backlog":
        await measure_backlog(report, directory / "backlog", options.messages, options.storage)


def _memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 2**30:.0f} GiB"


if __name__ == "__main__":
    sys.exit(main())
