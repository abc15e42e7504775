"""What `check` says of the SQLite file: it says what a start would do, and changes nothing."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from adapters.filesystem import diagnostics
from adapters.filesystem.schema import VERSION
from adapters.filesystem.storage import FileStorage
from adapters.system_clock import SystemClock
from domain.channels import ChannelId
from domain.messages import IncomingMessage
from domain.outbox import OutboxEntry, outbox_entry
from entrypoints.check.findings import Finding, Status
from tests.adapters.file_storage.test_migration import DATA
from tests.cli.check.environment import CheckEnvironment
from tests.support.storage_processes import storage_process


def entry(number: int) -> OutboxEntry:
    return outbox_entry(IncomingMessage(ChannelId("C1"), f"{number}.0", "text", "U1"), datetime.now(UTC))


async def use(directory: Path, messages: int = 0) -> None:
    """Leaves what a pack leaves in which so many messages wait."""
    async with (storage := FileStorage(directory, SystemClock())).open():
        await storage.outbox.append([entry(number) for number in range(messages)])


def use_version_1(directory: Path) -> None:
    directory.mkdir(0o700)
    with closing(sqlite3.connect(directory / "flyte-slack.db")) as database:
        database.executescript((DATA / "version_1.sql").read_text())


def set_version(directory: Path, version: int) -> None:
    with closing(sqlite3.connect(directory / "flyte-slack.db")) as database:
        database.execute(f"PRAGMA user_version = {version}")


def snapshot(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    """The files of a directory."""
    return {
        path.name: (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes()) for path in directory.iterdir()
    }


async def database(env: CheckEnvironment) -> Finding:
    """The finding, provided that the check has changed nothing."""
    before = snapshot(env.directory) if env.directory.exists() else {}
    finding = await env.finding("database")
    assert (snapshot(env.directory) if env.directory.exists() else {}) == before
    return finding


async def test_a_missing_file_will_be_created(env: CheckEnvironment) -> None:
    assert (await database(env)).message == "will be created at startup"


async def test_the_format_and_the_contents_of_an_intact_file_are_told(env: CheckEnvironment) -> None:
    await use(env.directory, messages=3)
    finding = await database(env)
    assert finding.status is Status.OK
    assert finding.message.startswith(f"format {VERSION}, 0.")
    assert finding.message.endswith(" MiB, with 3 messages and 0 actions that wait or were set aside")


async def test_a_file_in_use_is_read_beside_the_pack(env: CheckEnvironment) -> None:
    with storage_process("hold_claims", env.directory) as process:
        process.stdout.readline()
        finding = await database(env)
    assert finding.status is Status.OK
    assert "with 1 messages and 1 actions" in finding.message


async def test_the_file_of_a_killed_pack_is_read_with_its_log(env: CheckEnvironment) -> None:
    async with (storage := FileStorage(env.directory, SystemClock())).open():
        await storage.outbox.append([entry(1), entry(2)])
        killed = env.directory.with_name("killed")
        shutil.copytree(env.directory, killed)
    env.directory = killed
    assert (killed / "flyte-slack.db-wal").stat().st_size
    assert "2 messages" in (await database(env)).message


async def test_a_file_of_an_earlier_version_will_be_taken_over(env: CheckEnvironment) -> None:
    use_version_1(env.directory)
    finding = await database(env)
    assert finding.status is Status.OK
    assert finding.message.startswith("format 1, 0.")
    assert f"a start brings it to format {VERSION}; back it up before" in finding.message


async def test_too_little_space_for_the_migration_ends_a_start(env: CheckEnvironment) -> None:
    use_version_1(env.directory)
    env.monkeypatch.setattr(diagnostics, "free_bytes", lambda _: 1000)
    finding = await database(env)
    assert finding.status is Status.FAILED
    assert "needs as much free space" in finding.ends_start


async def test_a_file_of_a_newer_version_ends_a_start(env: CheckEnvironment) -> None:
    await use(env.directory)
    set_version(env.directory, VERSION + 1)
    finding = await database(env)
    assert finding.status is Status.FAILED
    assert f"its format is {VERSION + 1}, this program's is {VERSION}" in finding.ends_start
    assert "backup from before the upgrade" in finding.remedy


async def test_a_file_that_another_program_has_locked_ends_a_start(env: CheckEnvironment) -> None:
    await use(env.directory)
    with closing(sqlite3.connect(env.directory / "flyte-slack.db", isolation_level=None)) as other:
        other.execute("DELETE FROM outbox")
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("DELETE FROM outbox")
        finding = await env.finding("database")
    assert finding.status is Status.FAILED
    assert "database is locked (SQLITE_BUSY)" in finding.ends_start
    assert "close the other program" in finding.remedy


async def test_a_damaged_file_fails_and_does_not_end_a_start(env: CheckEnvironment) -> None:
    await use(env.directory, messages=200)
    path = env.directory / "flyte-slack.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * (size // 4))
    finding = await database(env)
    assert finding.status is Status.FAILED
    assert "is damaged" in finding.message
    assert "restore a backup" in finding.remedy
    assert finding.before_start().status is Status.WARNING


async def test_a_file_that_is_no_database_fails(env: CheckEnvironment) -> None:
    await use(env.directory)
    (env.directory / "flyte-slack.db").write_bytes(b"no database at all" * 100)
    assert "file is not a database" in (await database(env)).message


async def test_a_file_that_disappeared_or_was_emptied_fails(env: CheckEnvironment) -> None:
    await use(env.directory)
    os.truncate(env.directory / "flyte-slack.db", 0)
    assert "it is empty, although a pack has run here" in (await database(env)).message
    (env.directory / "flyte-slack.db").unlink()
    assert "it is missing, although a pack has run here" in (await database(env)).message


async def test_a_lost_log_fails(env: CheckEnvironment) -> None:
    async with FileStorage(env.directory, SystemClock()).open():
        killed = env.directory.with_name("killed")
        shutil.copytree(env.directory, killed)
    env.directory = killed
    os.truncate(killed / "flyte-slack.db-wal", 0)
    assert "flyte-slack.db-wal was removed or truncated" in (await database(env)).message
