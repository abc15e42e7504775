"""A file of an earlier version is taken over in one transaction, whatever it contains, and if the process is killed."""

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.filesystem.schema import VERSION
from adapters.filesystem.storage import FileStorage
from domain.actions import ActionState, Step
from domain.errors import StorageUnusable
from domain.gaps import Gap
from domain.outbox import Lane, OutboxEntry
from entrypoints.testing.action_states import SENT
from entrypoints.testing.storage_values import (
    CLOCK,
    LANE_A,
    LEASE,
    NOW,
    RECEIPT,
    STEP_A,
    STEP_B,
    A,
    B,
    C,
    X,
    Y,
    action,
    after,
    at,
    new_entry,
)
from entrypoints.testing.traces_contract import TRACE_PARENT
from tests.adapters.file_storage.test_damage import (
    BEHIND,
    COMPLETED,
    DAMAGE,
    ELSEWHERE,
    PLANNED,
    REJECTED,
    TAKEN,
    WAITING,
    damage,
    use,
)
from tests.support.storage_processes import storage_process

DATA = Path(__file__).parents[1] / "data"
EARLIER = [1, 2]
LATER_TABLES = ("gaps", "pauses", "steady", "uptime")
LATER_COLUMNS = (
    *(("outbox", "is_backfilled"), ("outbox", "uptime"), ("outbox", "refused_uptime")),
    *(("lanes", "uptime"), ("journal", "uptime")),
)
COLUMNS = {
    "outbox": "key lane state received_at said refusals first_refused_at reason uptime refused_uptime is_backfilled",
    "lanes": "channel_id head head_at claimed_to lease_until not_before is_interrupted heard_until uptime",
    "journal": "id state in_hand taken_at command outcome concluded_at reason uptime",
    "steps": "action channel_id position begun_at posted_to timestamp in_doubt error",
    "taking": "since",
    "joined": "channel_id at",
    "bystanders": "channel_ids",
    "gaps": "channel_id after_at until_at",
    "paces": "channel_id used_until held_until",
    "pauses": "channel_id until lasts",
    "steady": "at",
    "tallies": "kind state rows",
    "uptime": "micros",
}


@pytest.fixture
def version() -> int:
    return 1


@pytest.fixture
def directory(tmp_path: Path, version: int) -> Path:
    """A directory of an earlier version."""
    directory = tmp_path / "storage"
    directory.mkdir(mode=0o700)
    run_sql(directory, (DATA / f"version_{version}.sql").read_text())
    (directory / "channels.json").write_text('["CA"]')
    (directory / "flyte-slack.created").touch()
    for file in directory.iterdir():
        file.chmod(0o600)
    CLOCK.time, CLOCK.error = NOW, timedelta()
    return directory


def run_sql(directory: Path, script: str) -> None:
    with closing(sqlite3.connect(directory / "flyte-slack.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.executescript(script)


def rejected(entry: OutboxEntry) -> OutboxEntry:
    return replace(entry, rejections=1, first_rejected_at=NOW)


def version_of(directory: Path) -> int:
    with closing(sqlite3.connect(directory / "flyte-slack.db")) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def schema_of(directory: Path) -> set[str | None]:
    with closing(sqlite3.connect(directory / "flyte-slack.db")) as connection:
        return {statement for (statement,) in connection.execute("SELECT sql FROM sqlite_master")}


@pytest.mark.parametrize("version", EARLIER)
async def test_entries_in_every_state_are_taken_over(directory: Path) -> None:
    async with (storage := FileStorage(directory, CLOCK)).open():
        waiting = [entry async for entry in storage.outbox.entries()]
        assert waiting == [rejected(WAITING), BEHIND, rejected(ELSEWHERE)]
        [dead_letter] = [entry async for entry in storage.outbox.entries(dead_lettered=True)]
        assert dead_letter == replace(REJECTED, dead_letter_reason="the engine said 400")
        assert await storage.outbox.append([new_entry(C, 5), REJECTED, WAITING]) == [False] * 3
        [claim] = await storage.outbox.claim(5, 5, LEASE)
        assert (claim.lane, claim.previous_lease_expired) == (Lane("CA"), True), "the other lane is still delayed"
        assert await storage.outbox.next_due_seconds() == pytest.approx(7)
        assert claim.rejected_seconds == pytest.approx(2)


@pytest.mark.parametrize("version", EARLIER)
async def test_actions_in_every_state_are_taken_over(directory: Path) -> None:
    async with (storage := FileStorage(directory, CLOCK)).open():
        journal = storage.journal
        assert await journal.open_poll_session() == NOW
        states = {entry.action.id: entry.state for entry in await journal.claim_orphans(9)}
        assert states == {
            TAKEN: ActionState.TAKEN,
            PLANNED: ActionState.EXECUTING,
            COMPLETED: ActionState.COMPLETED,
        }
        planned, completed, dead, reported = [await journal.load(name) for name in (PLANNED, COMPLETED, Y, X)]
        assert planned is not None
        assert completed is not None
        assert dead is not None
        assert planned.steps == {
            STEP_A: Step(NOW, RECEIPT),
            STEP_B: Step(after(2), error="not_in_channel: invite the bot"),
        }
        assert (completed.outcome, completed.completed_at) == (SENT, NOW)
        assert (dead.state, dead.dead_letter_reason) == (ActionState.DEAD_LETTERED, "the engine said 500")
        assert await journal.record(action(X), lane=LANE_A) == reported


@pytest.mark.parametrize("version", EARLIER)
async def test_everything_else_is_taken_over(directory: Path) -> None:
    async with (storage := at(FileStorage(directory, CLOCK), after(10))).open():
        assert await storage.channels.unjoined_memberships() == frozenset({B})
        assert await storage.channels.last_message_at(A) == NOW
        assert await storage.gaps.pending() == [Gap(A, NOW, after(60))]
        assert await storage.rate_limiter.paused() == {"CB": pytest.approx(20)}
        assert (await storage.outbox.backlog()).oldest_waited_seconds == pytest.approx(2)


async def test_the_tables_are_those_of_a_new_file(directory: Path, tmp_path: Path) -> None:
    for place in (directory, tmp_path / "new"):
        async with FileStorage(place, CLOCK).open():
            pass
    assert schema_of(directory) == schema_of(tmp_path / "new")


@pytest.mark.parametrize("columns", [(), LATER_COLUMNS], ids=["with later columns", "without"])
@pytest.mark.parametrize("tables", [(), LATER_TABLES], ids=["with later tables", "without"])
async def test_what_was_added_within_version_1_may_be_missing(
    directory: Path, tables: tuple[str, ...], columns: tuple[tuple[str, str], ...]
) -> None:
    drops = [f"DROP TABLE {table}" for table in tables]
    if columns:
        indexes = (
            "outbox_by_uptime",
            "journal_by_uptime",
            "journal_orphans",
            "journal_dead_letters",
            "journal_reported",
        )
        drops += [f"DROP INDEX {index}" for index in indexes]
        drops += [f"ALTER TABLE {table} DROP COLUMN {column}" for table, column in columns]
    run_sql(directory, ";".join(drops))
    async with (storage := FileStorage(directory, CLOCK)).open():
        handled = await use(storage)
    delivered, dead_letters, resumed, dead_actions = map(set, handled)
    assert delivered >= {WAITING.key, BEHIND.key}
    assert delivered | dead_letters == {WAITING.key, BEHIND.key, ELSEWHERE.key, REJECTED.key}
    assert (resumed, dead_actions) == ({TAKEN, PLANNED, COMPLETED}, {Y})


async def test_a_pause_that_the_first_programs_kept_with_the_pace_still_holds(directory: Path) -> None:
    end = 1772366430123000
    run_sql(directory, f"DROP TABLE pauses; UPDATE paces SET held_until = {end} WHERE channel_id = 'CB'")  # noqa: S608
    async with (storage := at(FileStorage(directory, CLOCK), after(10))).open():
        assert await storage.rate_limiter.paused() == {"CB": pytest.approx(20)}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("table", COLUMNS)
async def test_damaged_values_stop_nothing_else(directory: Path, tmp_path: Path, table: str, kind: str) -> None:
    for column in COLUMNS[table].split():
        damaged = Path(shutil.copytree(directory, tmp_path / column))
        if not damage(damaged, table, column, DAMAGE[kind]):
            continue
        storage = FileStorage(damaged, CLOCK)
        async with at(storage, NOW).open():
            delivered, dead_letters, resumed, dead_actions = await use(storage)
        assert len(set(delivered) | set(dead_letters)) == 4, column
        assert len(set(resumed) | set(dead_actions)) == 4, column
        assert version_of(damaged) == VERSION
        assert not list(damaged.glob("*.unreadable-*")), column


async def test_a_process_killed_at_any_statement_leaves_the_old_file_or_the_new_one(directory: Path) -> None:
    with storage_process("migrate_and_be_killed", directory) as process:
        kills = int(process.stdout.read())
    assert kills > 50
    async with (storage := FileStorage(directory, CLOCK)).open():
        assert len([entry async for entry in storage.outbox.entries()]) == 3
        assert (await storage.journal.backlog()).waiting == 3


@pytest.mark.parametrize("version", EARLIER)
async def test_the_upgrade_is_logged(directory: Path, version: int) -> None:
    with capture_logs() as logs:
        async with FileStorage(directory, CLOCK).open():
            pass
    [line] = [line for line in logs if line["event"] == "storage_upgraded"]
    assert (line["from_version"], line["to_version"]) == (version, VERSION)


async def test_an_operators_command_takes_over_the_file_of_a_pack_that_has_ended(directory: Path) -> None:
    async with (storage := FileStorage(directory, CLOCK, exclusive=False)).open():
        assert await storage.outbox.requeue(REJECTED.key)
    assert version_of(directory) == VERSION


@pytest.mark.parametrize("version", EARLIER)
async def test_an_operators_command_leaves_the_file_of_a_running_earlier_pack_alone(
    directory: Path, version: int
) -> None:
    lock = os.open(directory / "flyte-slack.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(StorageUnusable, match=rf"earlier version .* format is {version}, this program's is {VERSION}"):
        async with FileStorage(directory, CLOCK, exclusive=False).open():
            pass
    os.close(lock)
    assert version_of(directory) == version


async def test_the_file_of_a_newer_version_is_refused_by_both_versions(directory: Path) -> None:
    run_sql(directory, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StorageUnusable, match=f"its format is {VERSION + 1}, this program knows {VERSION}"):
        async with FileStorage(directory, CLOCK).open():
            pass


@pytest.mark.parametrize("version", EARLIER)
async def test_a_file_of_an_earlier_version_has_every_column_afterwards(directory: Path) -> None:
    traced = replace(new_entry(C, 9), trace_parent=TRACE_PARENT)
    async with (storage := FileStorage(directory, CLOCK)).open():
        await storage.outbox.append([traced])
        assert traced in [entry async for entry in storage.outbox.entries()]
