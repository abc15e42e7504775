"""A few seconds of chaos; `make chaos` plays longer."""

from pathlib import Path

import pytest

from tests.chaos.runner import Play


@pytest.mark.timeout(120)  # one play is one thing: there is nothing smaller to time
async def test_what_is_said_and_asked_for_happens_once_though_the_pack_is_killed_again_and_again(
    tmp_path: Path,
) -> None:
    play = Play(tmp_path, seed=8, runs=4, variant="everything")

    ledger = await play.perform()

    assert ledger.bad == []
    assert play.left_over == []
    assert sum(play.kills.values()) == 4
