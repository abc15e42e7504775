"""`flyte-slack storage backup` and `flyte-slack storage restore`."""

import asyncio
import io
import os
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters.filesystem.schema import VERSION
from adapters.filesystem.storage import FileStorage
from adapters.postgresql.storage import PostgresStorage
from domain.errors import StorageUnusable
from entrypoints.cli.commands import main
from entrypoints.config.passwords import without_passwords
from entrypoints.testing.storage_contents import contents
from entrypoints.testing.storage_values import CLOCK, A, new_entry
from tests.adapters.file_storage.test_migration import DATA
from tests.support.postgres_server import program_folder
from tests.support.storage_processes import storage_process

pytestmark = pytest.mark.usefixtures("restored_logging")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "pack.db"


@pytest.fixture
def backup(source: Path, file: Path) -> Path:
    """A backup of the directory."""
    file.parent.mkdir()
    assert run(source, "backup", str(file)).exit_code == 0
    return file


def run(place: Path | str, *arguments: str, given: bytes | None = None) -> Result:
    environment = {
        **dict.fromkeys(os.environ),
        "FLYTE_SLACK_STORAGE": place if isinstance(place, str) else place.as_uri(),
    }
    return CliRunner().invoke(main, ("storage", *arguments), env=environment, input=given)


def contents_of(directory: Path) -> list[object]:
    async def read() -> list[object]:
        async with (storage := FileStorage(directory, CLOCK)).open():
            return await contents(storage)

    return asyncio.run(read())


def files(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def change(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement)


def test_a_restored_backup_holds_everything(source: Path, backup: Path, tmp_path: Path) -> None:
    result = run(tmp_path / "target", "restore", str(backup))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{tmp_path}/target: restored the backup of 20")
    assert "3 joined channels, " in result.stdout
    assert "delivered and executed again" in result.stdout
    assert contents_of(tmp_path / "target") == contents_of(source)


def test_a_backup_tells_what_it_holds_and_is_for_its_owner_alone(source: Path, file: Path) -> None:
    file.parent.mkdir()
    result = run(source, "backup", str(file))
    assert result.stdout.startswith(f"{file}: 3 joined channels, ")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert files(file.parent) == {"pack.db"}


def test_a_restored_directory_is_private_and_has_no_other_files(backup: Path, tmp_path: Path) -> None:
    run(tmp_path / "target", "restore", str(backup))
    assert files(tmp_path / "target") == {
        *("flyte-slack.db", "flyte-slack.created", "flyte-slack.lock", "channels.json"),
    }
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "target").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "target").stat().st_mode) == 0o700


def test_a_backup_is_made_beside_a_running_pack(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    with storage_process("append_forever", tmp_path / "source") as process:
        stored = int(process.stdout.readline())
        result = run(tmp_path / "source", "backup", str(file))
        assert result.exit_code == 0, result.output
        after = int(process.stdout.readline())
    assert after >= stored
    assert run(tmp_path / "target", "restore", str(file)).exit_code == 0


def test_a_backup_is_made_of_what_a_killed_pack_has_left(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    with storage_process("hold_claims", tmp_path / "source") as process:
        process.stdout.readline()
    assert (tmp_path / "source" / "flyte-slack.db-wal").stat().st_size
    assert "1 messages and 1 actions" in run(tmp_path / "source", "backup", str(file)).stdout


def test_an_existing_file_is_replaced_with_force_only(source: Path, backup: Path) -> None:
    before = backup.read_bytes()
    refused = run(source, "backup", str(backup))
    assert refused.exit_code == 1
    assert "exists already; use another name, or --force" in refused.stderr
    assert backup.read_bytes() == before
    assert run(source, "backup", "--force", str(backup)).exit_code == 0


def test_the_pack_s_own_files_are_never_replaced(source: Path) -> None:
    for name in ("flyte-slack.db", "channels.json", "flyte-slack.backup"):
        refused = run(source, "backup", "--force", str(source / name))
        assert refused.exit_code == 1
        assert "the pack's own files" in refused.stderr
    assert contents_of(source)


def test_a_file_that_can_not_be_written_leaves_nothing(source: Path, tmp_path: Path) -> None:
    refused = run(source, "backup", str(tmp_path / "none" / "pack.db"))
    assert refused.exit_code == 1
    assert "No such file or directory" in refused.stderr
    assert not (tmp_path / "none").exists()


def test_a_directory_without_a_pack_has_no_backup(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir(0o700)
    refused = run(tmp_path / "empty", "backup", str(tmp_path / "pack.db"))
    assert refused.exit_code == 1
    assert "has the pack ever run there?; set FLYTE_SLACK_STORAGE or FLYTE_SLACK_BACKUP_DIR" in refused.stderr
    assert files(tmp_path) == {"empty"}


def test_a_backup_goes_through_pipes(source: Path, tmp_path: Path) -> None:
    before = files(source)
    made = run(source, "backup", "-")
    assert made.exit_code == 0, made.stderr
    assert made.stderr.startswith("3 joined channels, ")
    assert files(source) == before
    restored = run(tmp_path / "target", "restore", "-", given=made.stdout_bytes)
    assert restored.exit_code == 0, restored.stderr
    assert contents_of(tmp_path / "target") == contents_of(source)


async def test_nothing_is_restored_while_a_pack_is_running(backup: Path, tmp_path: Path) -> None:
    async with FileStorage(tmp_path / "target", CLOCK).open():
        refused = await asyncio.to_thread(run, tmp_path / "target", "restore", str(backup))
    assert refused.exit_code == 1
    assert "is in use by another pack" in refused.stderr


@pytest.mark.parametrize("name", ["flyte-slack.db", "flyte-slack.db-wal", "flyte-slack.db-shm", "channels.json"])
def test_nothing_is_mixed_with_what_is_left_of_another_storage(name: str, backup: Path, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir(0o700)
    (tmp_path / "target" / name).write_bytes(b"left over")
    refused = run(tmp_path / "target", "restore", str(backup))
    assert refused.exit_code == 1
    assert f"it holds {name}, which must not be mixed with a backup" in refused.stderr
    assert files(tmp_path / "target") == {name, "flyte-slack.lock"}
    assert (tmp_path / "target" / name).read_bytes() == b"left over"


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def overwrite(file: Path) -> None:
    with file.open("r+b") as content:
        content.seek(file.stat().st_size // 3)
        content.write(b"\xff" * 20_000)


def empty(file: Path) -> None:
    os.truncate(file, 0)


def be_a_text(file: Path) -> None:
    file.write_text("no database " * 1000)


def be_another_database(file: Path) -> None:
    file.unlink()
    change(file, "CREATE TABLE photos (name)")


def lose_the_channels(file: Path) -> None:
    change(file, "UPDATE backup SET channels = '{'")


@pytest.mark.parametrize(
    "damage",
    [truncate, overwrite, empty, be_a_text, be_another_database, lose_the_channels],
    ids=lambda damage: damage.__name__,
)
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    damage: Callable[[Path], None], backup: Path, tmp_path: Path
) -> None:
    damage(backup)
    refused = run(tmp_path / "target", "restore", str(backup))
    assert refused.exit_code == 1
    assert refused.stderr.startswith("flyte-slack storage: the ")
    assert refused.stderr.endswith("; use another backup\n")
    assert len(refused.stderr.splitlines()) == 1
    assert files(tmp_path / "target") == {"flyte-slack.lock"}


@pytest.mark.parametrize(("name", "reason"), [("gone.db", "No such file or directory"), ("", "Is a directory")])
def test_a_backup_that_cant_be_read_is_named(name: str, reason: str, tmp_path: Path) -> None:
    refused = run(tmp_path / "target", "restore", str(tmp_path / name))
    assert refused.exit_code == 1
    assert refused.stderr == f"flyte-slack storage: can't read {tmp_path / name}: {reason}\n"


def test_a_backup_of_a_newer_version_is_refused(backup: Path, tmp_path: Path) -> None:
    change(backup, f"PRAGMA user_version = {VERSION + 1}")
    refused = run(tmp_path / "target", "restore", str(backup))
    assert refused.exit_code == 1
    assert f"its format is {VERSION + 1}, this program knows {VERSION}" in refused.stderr


def test_the_database_of_an_earlier_version_is_backed_up_restored_and_taken_over(file: Path, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir(0o700)
    file.parent.mkdir()
    with closing(sqlite3.connect(tmp_path / "source" / "flyte-slack.db")) as database:
        database.executescript((DATA / "version_1.sql").read_text())
    assert run(tmp_path / "source", "backup", str(file)).exit_code == 0
    assert run(tmp_path / "target", "restore", str(file)).exit_code == 0
    assert contents_of(tmp_path / "target")


def test_a_plain_copy_of_a_database_is_restored_without_channels(source: Path, tmp_path: Path) -> None:
    places = (source / "flyte-slack.db", tmp_path / "copy.db")
    with closing(sqlite3.connect(places[0])) as database, closing(sqlite3.connect(places[1])) as copy:
        database.backup(copy)
    result = run(tmp_path / "target", "restore", str(tmp_path / "copy.db"))
    assert result.exit_code == 0, result.stderr
    assert "It has no list of joined channels: copy channels.json into the directory too." in result.stdout
    assert "channels.json" not in files(tmp_path / "target")


def test_a_database_with_its_log_is_no_backup(backup: Path, tmp_path: Path) -> None:
    backup.with_name("pack.db-wal").write_bytes(b"log")
    refused = run(tmp_path / "target", "restore", str(backup))
    assert refused.exit_code == 1
    assert "is a database in use and no backup" in refused.stderr


def test_a_restore_that_was_interrupted_can_be_repeated(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "target").mkdir(0o700)
    for left in ("flyte-slack.created", "flyte-slack.db.restored", "channels.json.new"):
        (tmp_path / "target" / left).write_bytes(b"half")
    assert run(tmp_path / "target", "restore", str(backup)).exit_code == 0
    assert contents_of(tmp_path / "target")


def test_a_disk_that_is_full_leaves_the_target_empty(backup: Path, tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            del size
            raise OSError(28, "No space left on device")

    del backup
    with pytest.raises(Exception, match="No space left on device"):
        FileStorage(tmp_path / "target", CLOCK).restore(Broken())
    assert files(tmp_path / "target") == {"flyte-slack.lock"}


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("backup", "pg_dump --schema=flyte_slack --format=custom --file=pack.dump --dbname={url}"),
        ("restore", "pg_restore --exit-on-error --single-transaction --dbname={url} pack.dump"),
    ],
)
def test_for_postgresql_the_line_to_type_is_printed(command: str, line: str) -> None:
    refused = run("postgresql://me:hush@db.example.com/flyte_slack?sslmode=require", command, "pack.dump")
    assert refused.exit_code == 1
    shown = line.format(url="'postgresql://me@db.example.com/flyte_slack?sslmode=require'")
    assert refused.stderr.splitlines()[-1] == shown


def test_a_memory_storage_has_no_backup(tmp_path: Path) -> None:
    refused = run("memory:", "backup", str(tmp_path / "pack.db"))
    assert refused.exit_code == 1
    assert "is not a directory" in refused.stderr


def test_a_database_is_backed_up_and_restored_by_the_lines_that_are_printed(tables_url: str, tmp_path: Path) -> None:
    def type_lines(command: str) -> None:
        lines = run(tables_url, command, str(tmp_path / "pack.dump")).stderr.splitlines()[1:]
        shell = ["/bin/sh", "-ec", "\n".join(lines)]
        path = f"{program_folder()}:{os.environ['PATH']}"
        subprocess.run(shell, check=True, env={"PATH": path}, capture_output=True)  # noqa: S603 - a test's own lines

    async def store(number: int) -> list[str]:
        async with (storage := PostgresStorage(tables_url, CLOCK, lease_seconds=20)).open():
            await storage.outbox.append([new_entry(A, number)])
            return [entry.key async for entry in storage.outbox.entries()]

    kept = asyncio.run(store(1))
    type_lines("backup")
    asyncio.run(store(2))
    type_lines("restore")
    assert asyncio.run(store(1)) == kept


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("postgresql://me:p@ss@host/pack", "postgresql://me@host/pack"),
        ("postgresql:///pack?password=p&host=/run", "postgresql:///pack?host=/run"),
        ("postgresql://host/pack?passfile=/run/pgpass&sslpassword=p", "postgresql://host/pack?passfile=/run/pgpass"),
    ],
)
def test_a_line_to_type_has_no_password(url: str, without: str) -> None:
    assert without_passwords(url) == without


async def test_a_pack_delivers_what_waits_in_a_restored_backup(tmp_path: Path) -> None:
    async with (before := FileStorage(tmp_path / "source", CLOCK)).open():
        await before.outbox.append([new_entry(A, 1)])
        before.back_up(tmp_path / "pack.db", replaces=False)
        [claim] = await before.outbox.claim(1, 10, 60)
        await before.outbox.ack(claim, claim.entries[0])
    restored = FileStorage(tmp_path / "target", CLOCK)
    with (tmp_path / "pack.db").open("rb") as file:
        restored.restore(file)
    with pytest.raises(StorageUnusable, match="is not empty"), (tmp_path / "pack.db").open("rb") as file:
        restored.restore(file)
    async with restored.open():
        [claim] = await restored.outbox.claim(1, 10, 60)
    assert [entry.key for entry in claim.entries] == [new_entry(A, 1).key]
