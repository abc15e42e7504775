"""The joined channels in channels.json, in the format of the original pack."""

import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.filesystem.storage import FileStorage
from application.ports.storage import Storage
from domain.channels import ChannelId
from domain.errors import StorageUnavailable
from entrypoints.testing.storage_values import CLOCK, NOW, A, B, C, new_entry


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "storage"
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture
def storage(directory: Path) -> Storage:
    return FileStorage(directory, CLOCK)


async def test_the_original_packs_file_is_read(storage: Storage, directory: Path) -> None:
    (directory / "channels.json").write_text('["CB","CA"]')
    async with storage.open():
        assert (await storage.channels.joined()).ids == (B, A)
    assert (directory / "channels.json").read_text() == '["CB","CA"]'


async def test_channels_are_written_in_the_original_packs_format(storage: Storage, directory: Path) -> None:
    async with storage.open():
        for channel_id in (B, A, C):
            await storage.channels.join(channel_id, since=NOW)
        await storage.channels.leave(B)
        assert (directory / "channels.json").read_text() == '["CA","CC"]'


async def test_leaving_the_last_channel_leaves_an_empty_list(storage: Storage, directory: Path) -> None:
    async with storage.open():
        await storage.channels.join(A, since=NOW)
        await storage.channels.leave(A)
    assert (directory / "channels.json").read_text() == "[]"


@pytest.mark.parametrize(
    "text",
    ['[ "CB", "CA",\n"CB" ]', '\ufeff["CB","CA"]', '["CB","CA"]\n\n', '["C\\u0042","CA"]'],
    ids=["doubles", "byte order mark", "line ends", "escapes"],
)
async def test_other_json_encodings_are_read_too(storage: Storage, directory: Path, text: str) -> None:
    (directory / "channels.json").write_text(text)
    async with storage.open():
        assert (await storage.channels.joined()).ids == (B, A)


UNREADABLE = {
    "empty": b"",
    "cut off": b'["CA","C',
    "an object": b'{"CA": 1}',
    "null": b"null",
    "a null id": b'["CA",null]',
    "a number": b'["CA",7]',
    "an empty id": b'["CA",""]',
    "not UTF-8": b'["C\xff"]',
    "a lone surrogate": b'["C\\ud800"]',
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
async def test_an_unreadable_file_is_quarantined_and_reported(
    storage: Storage, directory: Path, content: bytes
) -> None:
    (directory / "channels.json").write_bytes(content)
    with capture_logs() as logs:
        async with storage.open():
            assert (await storage.channels.joined()).ids == ()
            await storage.channels.join(A, since=NOW)
    [quarantined] = directory.glob("channels.json.unreadable-*")
    assert quarantined.read_bytes() == content
    [line] = [line for line in logs if line["event"] == "channels_unreadable"]
    assert (line["log_level"], line["kept_as"]) == ("warning", quarantined.name)
    assert json.loads((directory / "channels.json").read_text()) == ["CA"]


async def test_a_directory_in_its_place_is_quarantined(storage: Storage, directory: Path) -> None:
    (directory / "channels.json").mkdir()
    (directory / "channels.json" / "precious").touch()
    async with storage.open():
        await storage.channels.join(A, since=NOW)
    [quarantined] = directory.glob("channels.json.unreadable-*")
    assert (quarantined / "precious").exists()


async def test_a_quarantined_file_is_never_overwritten(storage: Storage, directory: Path) -> None:
    for content in ("1", "2", "3"):
        (directory / "channels.json").write_text(content)
        async with storage.open():
            pass
    contents = sorted(path.read_text() for path in directory.glob("channels.json.unreadable-*"))
    assert contents == ["1", "2", "3"]


async def test_the_database_alone_restores_no_joined_channel(storage: Storage, directory: Path) -> None:
    async with storage.open():
        await storage.channels.join(A, since=NOW)
        await storage.outbox.append([new_entry(A, 1)])
    (directory / "channels.json").write_text("broken")
    async with storage.open():
        assert (await storage.channels.joined()).ids == ()
        assert await storage.channels.was_joined(A)


async def test_a_channel_of_the_original_pack_has_no_last_message_time(storage: Storage, directory: Path) -> None:
    (directory / "channels.json").write_text('["CA"]')
    async with storage.open():
        assert await storage.channels.last_message_at(A) is None
        assert await storage.channels.was_joined(A)

        await storage.channels.note_listening([A], NOW)
        assert await storage.channels.last_message_at(A) == NOW


async def test_a_change_that_cannot_be_written_has_no_effect(storage: Storage, directory: Path) -> None:
    async with storage.open():
        await storage.channels.join(A, since=NOW)
        (directory / "channels.json.new").mkdir()
        with pytest.raises(StorageUnavailable, match=r"channels\.json"):
            await storage.channels.join(B, since=NOW)
        assert (await storage.channels.joined()).ids == (A,)
        assert (directory / "channels.json").read_text() == '["CA"]'
        (directory / "channels.json.new").rmdir()
        await storage.channels.join(B, since=NOW)
        assert (directory / "channels.json").read_text() == '["CA","CB"]'


async def test_a_crash_between_writing_and_renaming_leaves_the_old_file(storage: Storage, directory: Path) -> None:
    (directory / "channels.json").write_text('["CA"]')
    (directory / "channels.json.new").write_text('["CA","C')
    async with storage.open():
        assert (await storage.channels.joined()).ids == (A,)
        await storage.channels.join(B, since=NOW)
    assert (directory / "channels.json").read_text() == '["CA","CB"]'
    assert not (directory / "channels.json.new").exists()


async def test_a_channel_with_any_name_is_read_back(storage: Storage) -> None:
    odd = ChannelId('\u00fc"\\\n\U0001f600')
    async with storage.open():
        await storage.channels.join(odd, since=NOW)
    async with storage.open():
        assert (await storage.channels.joined()).ids == (odd,)
