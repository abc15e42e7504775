"""Storages by URL."""

from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from adapters.memory.storage import MemoryStorage
from adapters.storage_urls import create_storage, directory_of
from entrypoints.testing.storage_values import CLOCK


async def test_a_file_url_names_a_directory(tmp_path: Path) -> None:
    directory = tmp_path / "with space, ? and # and \u00fc"
    async with create_storage(directory.as_uri(), CLOCK).open():
        assert (directory / "flyte-slack.db").exists()


@pytest.mark.parametrize("url", ["file:///tmp/x", "file://localhost/tmp/x", "FILE:///tmp/x"])
def test_a_file_url_may_be_written_in_several_ways(url: str) -> None:
    assert isinstance(create_storage(url, CLOCK), FileStorage)


def test_a_created_storage_is_not_open(tmp_path: Path) -> None:
    create_storage((tmp_path / "storage").as_uri(), CLOCK)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["memory:", "memory://"])
def test_a_memory_url_creates_a_memory_storage(url: str) -> None:
    assert isinstance(create_storage(url, CLOCK), MemoryStorage)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://u:secret@host/db?mode=secret", "the parameter mode is unknown"),
        ("postgres:secret", "two slashes"),
        ("redis://:secret@host", "the scheme is unknown"),
        ("mysql://u:secret@host/db", "the scheme is unknown"),
        ("/var/lib/secret", "the scheme is unknown"),
        ("", "the scheme is unknown"),
        ("//secret@[", "malformed"),
        ("file://secret", "three slashes"),
        ("file://host/secret", "three slashes"),
        ("file:secret", "three slashes"),
        ("file:///", "more than"),
        ("file:///tmp/%00", "NUL"),
        ("file:///tmp/x?mode=secret", "no parameters"),
        ("file:///tmp/x#secret", "no parameters"),
        ("memory:secret", "nothing after"),
        ("memory://secret", "nothing after"),
        ("memory:?size=secret", "no parameters"),
    ],
)
def test_any_other_url_is_rejected_without_repeating_it(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        create_storage(url, CLOCK)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "directory"),
    [("file:///var/lib/flyte%20slack", Path("/var/lib/flyte slack")), ("memory:", None)],
)
def test_a_file_storage_has_a_directory(url: str, directory: Path | None) -> None:
    assert directory_of(url) == directory
