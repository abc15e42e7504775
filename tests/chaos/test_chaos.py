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


@pytest.mark.timeout(120)
async def test_the_counters_of_a_pack_that_lives_through_all_faults_equal_the_ledger(tmp_path: Path) -> None:
    runner = ChaosRunner(tmp_path, seed=9, runs=3, variant="everything", kills_packs=False)

    ledger = await runner.run()

    assert ledger.problems == []
    assert runner.leftovers == []
