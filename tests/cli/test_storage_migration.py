"""`flyte-slack storage migrate`."""

import asyncio
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from entrypoints.cli.commands import main

pytestmark = pytest.mark.usefixtures("restored_logging")


def migrate(url: str) -> Result:
    environment = {**dict.fromkeys(os.environ), "FLYTE_SLACK_STORAGE": url}
    return CliRunner().invoke(main, ("storage", "migrate"), env=environment)


def test_migrate_creates_what_is_missing(tmp_path: Path) -> None:
    result = migrate((tmp_path / "state").as_uri())
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path}/state is up to date\n")
    assert (tmp_path / "state" / "flyte-slack.db").is_file()


async def test_migrate_leaves_a_storage_alone_that_a_pack_is_using(tmp_path: Path) -> None:
    async with FileStorage(tmp_path / "state", SystemClock()).open():
        result = await asyncio.to_thread(migrate, (tmp_path / "state").as_uri())
    assert result.exit_code == 1
    assert "is in use by another pack" in result.stderr


def test_migrate_refuses_an_invalid_storage() -> None:
    result = migrate("ftp://host")
    assert result.exit_code == 2
    assert "FLYTE_SLACK_STORAGE" in result.stderr
