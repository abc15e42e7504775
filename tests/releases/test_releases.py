"""The storages of earlier releases are taken over, and nothing in them is lost."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.filesystem.storage import FileStorage
from adapters.postgresql.storage import PostgresStorage
from application.ports.storage import Storage
from entrypoints.testing.storage_values import CLOCK, after
from entrypoints.testing.transfer_contract import exported

FOLDER = Path(__file__).parent
RELEASES = sorted(path.parent.name for path in FOLDER.glob("*/directory.json"))
PASSING = {"GeneralRecord": {"uptime"}, "RateRecord": {"used_for", "paused_for"}}
"""The fields whose values change with time."""


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> Path:
    CLOCK.time = after(20)
    return FOLDER / str(request.param)


async def records_after_a_start(storage: Storage) -> list[tuple[str, dict[str, Any]]]:
    """What a copy would move after a pack has started and stopped on the storage: by kind, in JSON types."""
    async with storage.open():
        pass
    return [(type(record).__name__, json.loads(json.dumps(asdict(record)))) for record in await exported(storage)]


def as_the_release_knew_it(kind: str, fields: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The fields that a record of the release had, without those that change with time."""
    return {name: value for name, value in fields.items() if name in known and name not in PASSING.get(kind, ())}


def assert_nothing_is_lost(kept: Path, records: list[tuple[str, dict[str, Any]]]) -> None:
    """Compares the records, and their order."""
    expected = [(kind, fields) for kind, fields in json.loads(kept.read_text())]
    known = dict(expected)

    assert [(kind, as_the_release_knew_it(kind, fields, known[kind])) for kind, fields in records if kind in known] == [
        (kind, as_the_release_knew_it(kind, fields, known[kind])) for kind, fields in expected
    ]


async def test_a_directory_is_taken_over_with_all_that_is_in_it(release: Path, tmp_path: Path) -> None:
    directory = tmp_path / "state"
    shutil.copytree(release / "directory", directory)
    directory.chmod(0o700)
    for file in directory.iterdir():
        file.chmod(0o600)

    assert_nothing_is_lost(release / "directory.json", await records_after_a_start(FileStorage(directory, CLOCK)))


async def test_a_database_is_taken_over_with_all_that_is_in_it(release: Path, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute((release / "postgresql.sql").read_bytes())

    records = await records_after_a_start(PostgresStorage(database_url, CLOCK, lease_seconds=20))

    assert_nothing_is_lost(release / "postgresql.json", records)
