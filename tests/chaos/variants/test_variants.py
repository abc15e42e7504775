"""Short runs of further variants of chaos, on a directory."""

from pathlib import Path

import pytest

from tests.chaos.runner import ChaosRunner

pytestmark = pytest.mark.timeout(180)  # the runs share one load and cannot be timed one by one


@pytest.mark.parametrize(
    ("variant", "doubt_seconds"), [("history-limited", 6), ("slow-slack", 9), ("clock", 6), ("interactions", 6)]
)
async def test_every_message_and_action_is_handled_once_though_the_pack_is_killed_repeatedly(
    tmp_path: Path, variant: str, doubt_seconds: float
) -> None:
    runner = ChaosRunner(tmp_path, seed=8, runs=2, variant=variant, doubt_seconds=doubt_seconds)

    ledger = await runner.run()

    assert ledger.problems == []
    assert runner.leftovers == []
    assert sum(runner.kills.values()) == 2


async def test_the_counters_of_a_pack_that_lives_through_all_faults_equal_the_ledger(tmp_path: Path) -> None:
    runner = ChaosRunner(tmp_path, seed=9, runs=3, variant="everything", kills_packs=False)

    ledger = await runner.run()

    assert ledger.problems == []
    assert runner.leftovers == []
