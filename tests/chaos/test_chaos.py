"""A few seconds of chaos; `make chaos` runs longer."""

from pathlib import Path

import pytest

from tests.chaos.runner import ChaosRunner


@pytest.mark.timeout(120)  # the runs share one load and cannot be timed one by one
@pytest.mark.parametrize(
    ("variant", "runs", "doubt_seconds"),
    [("everything", 4, 6), ("history-limited", 2, 6), ("slow-slack", 2, 9), ("clock", 2, 6), ("interactions", 2, 6)],
)
async def test_every_message_and_action_is_handled_once_though_the_pack_is_killed_repeatedly(
    tmp_path: Path, variant: str, runs: int, doubt_seconds: float
) -> None:
    runner = ChaosRunner(tmp_path, seed=8, runs=runs, variant=variant, doubt_seconds=doubt_seconds)

    ledger = await runner.run()

    assert ledger.problems == []
    assert runner.leftovers == []
    assert sum(runner.kills.values()) == runs
