"""`make chaos RUNS=n SEED=s`: kill packs under load, n times, and print the ledger."""

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
from tests.chaos.faults import DATABASE_VARIANTS, VARIANTS
from tests.chaos.ledger import Ledger
from tests.chaos.runner import ChaosRunner
from tests.chaos.storages import FILE, POSTGRESQL
from tests.chaos.together import POST_BURST


def main() -> int:
    """Runs the chaos test. Returns 1 if anything was lost, duplicated or answered wrongly, otherwise 0."""
    options = _parse_options()
    configure_logs("error")
    with tempfile.TemporaryDirectory(prefix="flyte-slack-chaos-") as directory:
        runner = ChaosRunner(
            Path(directory),
            options.seed,
            options.runs,
            options.variant,
            options.storage,
            options.replicas,
            kills_packs=options.kills,
            shows_progress=True,
        )
        if options.variant == "slow-slack":
            runner.doubt_seconds = PostingPolicy().doubt_seconds
        began = time.monotonic()
        ledger = asyncio.run(runner.run())
        _print(runner, ledger, time.monotonic() - began)
    problems = [*ledger.problems, *runner.together.problems, *runner.leftovers]
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
    parser.add_argument("--storage", choices=(FILE, POSTGRESQL), default=FILE, help="the kind of storage")
    parser.add_argument("--kills", action=argparse.BooleanOptionalAction, default=True, help="kill the packs")
    parser.add_argument("--replicas", type=int, default=1, help="number of packs on the storage")
    parser.add_argument("--log", type=Path, help="write the logs of all runs to this file")
    options = parser.parse_args()
    if options.replicas > 1 and options.storage == FILE:
        parser.error("several replicas need STORAGE=postgresql")
    if options.replicas > 1 and not options.kills:
        parser.error("without kills there is one pack")
    if options.variant in DATABASE_VARIANTS and options.storage == FILE:
        parser.error(f"VARIANT={options.variant} needs STORAGE=postgresql")
    return options


def _print(runner: ChaosRunner, ledger: Ledger, seconds: float) -> None:
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {gibibytes:.0f} GiB"
    shared = f" STORAGE={runner.storage} REPLICAS={runner.replicas}" if runner.storage != FILE else ""
    kills = "" if runner.kills_packs else " KILLS=no"
    print(f"make chaos RUNS={runner.runs} SEED={runner.seed} VARIANT={runner.variant}{shared}{kills}")
    print(f"{time.strftime('%Y-%m-%d')}, {machine}; {seconds:.0f} s\n")
    print(ledger.format_table())
    if shared and runner.kills_packs:
        together = runner.together
        print(f"\nin the order of storing: {together.events} events and {together.posts} posts")
        print(f"most posts ahead of the rate: {together.fullest_bucket:.1f} of {POST_BURST}")
    if runner.kills_packs:
        print("\nkills by crash point:")
    for crash_point, count in runner.kills.most_common():
        print(f"  {count:>4}  {crash_point}")


if __name__ == "__main__":
    sys.exit(main())
