from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.check.environment import Stage, open_stage


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, monkeypatch) as stage:
        yield stage


@pytest.fixture
async def classic_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """As `stage`, with a classic app, which RTM serves."""
    async with open_stage(tmp_path, monkeypatch, classic=True) as stage:
        stage.variables |= {"FLYTE_SLACK_APP_TOKEN": ""}
        yield stage
