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

from entrypoints.observability.logs import configure_logs
from tests.chaos.faults import VARIANTS
from tests.chaos.ledger import Ledger
from tests.chaos.runner import Play


def main() -> int:
    """Play; 0 unless something was lost, doubled or answered wrongly."""
    options = _options()
    configure_logs("error")
    with tempfile.TemporaryDirectory(prefix="flyte-slack-chaos-") as directory:
        play = Play(Path(directory), options.seed, options.runs, options.variant, progress=True)
        began = time.monotonic()
        ledger = asyncio.run(play.perform())
        _print(play, ledger, time.monotonic() - began)
    problems = [*ledger.bad, *play.left_over]
    for problem in problems:
        print(problem, file=sys.stderr)
    if options.log or problems:
        path = options.log or Path(tempfile.mkstemp(prefix="flyte-slack-chaos-", suffix=".log")[1])
        path.write_text("".join(json.dumps(line) + "\n" for line in play.log), encoding="utf-8")
        print(f"the logs of all runs: {path}", file=sys.stderr)
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variant", choices=tuple(VARIANTS), default="kills", help="what goes wrong besides")
    parser.add_argument("--log", type=Path, help="where to write the logs of all runs")
    return parser.parse_args()


def _print(play: Play, ledger: Ledger, seconds: float) -> None:
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {gibibytes:.0f} GiB"
    print(f"make chaos RUNS={play.runs} SEED={play.seed} VARIANT={play.variant}")
    print(f"{time.strftime('%Y-%m-%d')}, {machine}; {seconds:.0f} s\n")
    print(ledger.table())
    print("\nkilled at:")
    for moment, count in play.kills.most_common():
        print(f"  {count:>4}  {moment}")


if __name__ == "__main__":
    sys.exit(main())
