from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.check.environment import CheckEnvironment, open_environment


@pytest.fixture
async def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CheckEnvironment]:
    async with open_environment(tmp_path, monkeypatch) as env:
        yield env


@pytest.fixture
async def classic_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CheckEnvironment]:
    """Like `env`, with a classic app, which uses RTM."""
    async with open_environment(tmp_path, monkeypatch, classic=True) as env:
        env.variables |= {"FLYTE_SLACK_APP_TOKEN": ""}
        yield env
