"""`make chaos RUNS=n SEED=s`: kill the pack under load, n times, and print the ledger."""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from application.policies import PostingPolicy
from entrypoints.observability.logs import configure_logs
from tests.chaos.faults import VARIANTS
from tests.chaos.ledger import Ledger
from tests.chaos.runner import ChaosRunner


def main() -> int:
    """Runs the chaos test. Returns 1 if anything was lost, duplicated or answered wrongly, otherwise 0."""
    options = _parse_options()
    configure_logs("error")
    with tempfile.TemporaryDirectory(prefix="flyte-slack-chaos-") as directory:
        runner = ChaosRunner(Path(directory), options.seed, options.runs, options.variant, shows_progress=True)
        if options.variant == "slow-slack":
            runner.doubt_seconds = PostingPolicy().doubt_seconds
        began = time.monotonic()
        ledger = asyncio.run(runner.run())
        _print(runner, ledger, time.monotonic() - began)
    problems = [*ledger.problems, *runner.leftovers]
    for problem in problems:
        print(problem, file=sys.stderr)
    if options.log or problems:
        path = options.log or Path(tempfile.mkstemp(prefix="flyte-slack-chaos-", suffix=".log")[1])
        path.write_text("".join(json.dumps(line) + "\n" for line in runner.log), encoding="utf-8")
        print(f"logs of all runs: {path}", file=sys.stderr)
    return 1 if problems else 0


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="number of kills")
    parser.add_argument("--seed", type=int, default=1, help="seed of everything random")
    parser.add_argument("--variant", choices=tuple(VARIANTS), default="kills", help="faults besides the kill")
    parser.add_argument("--log", type=Path, help="write the logs of all runs to this file")
    return parser.parse_args()


def _print(runner: ChaosRunner, ledger: Ledger, seconds: float) -> None:
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {gibibytes:.0f} GiB"
    print(f"make chaos RUNS={runner.runs} SEED={runner.seed} VARIANT={runner.variant}")
    print(f"{time.strftime('%Y-%m-%d')}, {machine}; {seconds:.0f} s\n")
    print(ledger.format_table())
    print("\nkills by crash point:")
    for crash_point, count in runner.kills.most_common():
        print(f"  {count:>4}  {crash_point}")


if __name__ == "__main__":
    sys.exit(main())
