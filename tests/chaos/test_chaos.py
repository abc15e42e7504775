"""A few seconds of chaos; `make test-chaos` and `make chaos` run longer."""

from pathlib import Path

import pytest

from tests.chaos.runner import ChaosRunner


@pytest.mark.timeout(120)  # the runs share one load and cannot be timed one by one
async def test_every_message_and_action_is_handled_once_though_the_pack_is_killed_repeatedly(tmp_path: Path) -> None:
    runner = ChaosRunner(tmp_path, seed=8, runs=4, variant="everything", doubt_seconds=6)

    ledger = await runner.run()

    assert ledger.problems == []
    assert runner.leftovers == []
    assert sum(runner.kills.values()) == 4
