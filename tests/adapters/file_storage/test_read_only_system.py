"""The storage on a system where only its directory is writable."""

import tempfile
from pathlib import Path

import pytest

from adapters.filesystem.schema import connect
from adapters.filesystem.storage import FileStorage
from domain.channels import ChannelId, JoinedChannels
from entrypoints.testing.storage_values import CLOCK, NOW


async def test_the_storage_needs_no_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", refuse)
    storage = FileStorage(tmp_path / "state", CLOCK)
    async with storage.open():
        await storage.channels.join(ChannelId("C1"), since=NOW)
        assert await storage.channels.joined() == JoinedChannels((ChannelId("C1"),))


def test_no_temporary_file_is_written_during_a_statement(tmp_path: Path) -> None:
    (tmp_path / "flyte-slack.db").touch()
    connection = connect(tmp_path / "flyte-slack.db")
    in_memory = 2
    assert connection.execute("PRAGMA temp_store").fetchone() == (in_memory,)
    connection.close()
