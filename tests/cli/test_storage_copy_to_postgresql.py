"""`flyte-slack storage copy` between a directory and a PostgreSQL database."""

import asyncio
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.filesystem.storage import FileStorage
from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from application.ports.replicas import Replica
from domain.actions import ActionId
from domain.channels import ChannelId
from domain.outbox import Lane
from entrypoints.cli.commands import main
from entrypoints.testing.storage_values import action, new_entry

pytestmark = pytest.mark.usefixtures("restored_logging")

CLOCK = SystemClock()
MESSAGES, ACTIONS = 10_000, 1_000


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with many waiting messages and unfinished actions."""

    async def fill() -> None:
        async with (storage := FileStorage(tmp_path / "source", CLOCK)).open():
            entries = [new_entry(ChannelId(f"C{number % 97}"), number, number) for number in range(MESSAGES)]
            await storage.outbox.append(entries)
            lanes = (Lane(f"C{number % 7}") for number in range(ACTIONS))
            actions = (action(ActionId(f"http://flyte/a/{number}/result")) for number in range(ACTIONS))
            recorded = (storage.journal.record(taken, lane=lane) for taken, lane in zip(actions, lanes, strict=True))
            await asyncio.gather(*recorded)

    asyncio.run(fill())
    return tmp_path / "source"


def run(*arguments: str, storage: str = "memory:") -> Result:
    environment = {**dict.fromkeys(os.environ), "FLYTE_SLACK_STORAGE": storage}
    return CliRunner().invoke(main, arguments, env=environment)


def exported(storage: str) -> list[str]:
    return [run(queue, "export", storage=storage).stdout for queue in ("outbox", "journal")]


@pytest.mark.timeout(120)
def test_a_copy_from_a_directory_to_a_database_and_back_changes_nothing(
    directory: Path, database_url: str, tmp_path: Path
) -> None:
    before = exported(directory.as_uri())
    assert [len(queue.splitlines()) for queue in before] == [MESSAGES, ACTIONS]
    assert run("storage", "copy", directory.as_uri(), database_url).exit_code == 0
    assert exported(database_url) == before
    back = (tmp_path / "back").as_uri()
    assert run("storage", "copy", database_url, back).exit_code == 0
    assert exported(back) == before


def test_a_pack_that_runs_on_the_database_is_named(tmp_path: Path, database_url: str) -> None:
    async def copy_beside() -> Result:
        async with (storage := PostgresStorage(database_url, CLOCK, lease_seconds=2)).open():
            await storage.replicas.announce(Replica("pack-1", "9.8"))
            copy = asyncio.create_task(
                asyncio.to_thread(run, "storage", "copy", database_url, (tmp_path / "target").as_uri())
            )
            while not copy.done():
                await storage.heartbeat(2)
                await asyncio.wait({copy}, timeout=0.1)
            return copy.result()

    result = asyncio.run(copy_beside())
    assert result.exit_code == 1
    assert "is in use by pack-1; stop it first" in result.stderr


def test_a_copy_waits_for_the_lease_of_a_pack_that_was_killed(tmp_path: Path, database_url: str) -> None:
    async def leave_a_lost_pack() -> None:
        storage = PostgresStorage(database_url, CLOCK, lease_seconds=1)
        await storage.open().__aenter__()

    asyncio.run(leave_a_lost_pack())
    assert run("storage", "copy", database_url, (tmp_path / "target").as_uri()).exit_code == 0


def test_no_password_is_shown(tmp_path: Path, database_url: str) -> None:
    url = database_url.replace("postgres@", "nobody:hush@")
    result = run("storage", "copy", (tmp_path / "source").as_uri(), url)
    assert result.exit_code == 1
    assert "hush" not in result.output
