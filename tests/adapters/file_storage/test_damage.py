"""Damaged values in the file: entries are set aside, everything else is repaired, and the rest goes on."""

import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.filesystem.storage import FileStorage
from domain.actions import ActionId, ActionState
from domain.channels import ChannelId
from domain.gaps import Gap
from entrypoints.testing.action_states import SENT
from entrypoints.testing.storage_values import (
    CLOCK,
    HELD,
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
    new_click,
    new_entry,
)

DAMAGE = {
    "no UTF-8": "CAST(x'c328' AS TEXT)",
    "another text": "'{\"type\": []}'",
    "negative": "-1",
    "huge": "9223372036854775807",
    "null": "NULL",
}
WAITING, BEHIND, ELSEWHERE, REJECTED = new_entry(A, 1), new_entry(A, 2), new_entry(B, 3), new_entry(C, 4)
TAKEN, PLANNED, COMPLETED = ActionId("taken"), ActionId("planned"), ActionId("completed")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with at least one row in every table."""
    return tmp_path_factory.mktemp("filled") / "storage"


@pytest.fixture
async def directory(filled: Path, tmp_path: Path) -> Path:
    CLOCK.time, CLOCK.error = NOW, timedelta()
    if not filled.exists():
        storage = FileStorage(filled, CLOCK)
        async with storage.open():
            await _fill(storage)
    return Path(shutil.copytree(filled, tmp_path / "storage"))


async def _fill(storage: FileStorage) -> None:
    await storage.outbox.append([REJECTED, new_entry(C, 5)])
    [claim] = await storage.outbox.claim(1, 1, LEASE)
    await storage.outbox.dead_letter(claim, REJECTED, "the engine said 400")
    await storage.outbox.release(claim)
    assert await storage.outbox.discard(new_entry(C, 5).key)
    await storage.outbox.append([WAITING, BEHIND, ELSEWHERE])
    for claim in await storage.outbox.claim(2, 1, LEASE):
        await storage.outbox.release(claim, retry_after_seconds=1, rejected=True)
    journal = storage.journal
    await journal.open_poll_session()
    for action_id in (TAKEN, PLANNED, COMPLETED, X, Y):
        await journal.record(action(action_id), lane=LANE_A)
    await journal.plan_steps(PLANNED, [STEP_A, STEP_B])
    await journal.begin_step(PLANNED, STEP_A, HELD)
    await journal.complete_step(PLANNED, STEP_A, HELD, result=RECEIPT)
    for action_id in (COMPLETED, X, Y):
        await journal.set_outcome(action_id, SENT)
    await journal.mark_reported(X)
    await journal.dead_letter(Y, "the engine said 500")
    await storage.channels.join(A, since=NOW)
    await storage.channels.set_unjoined_memberships(frozenset({B}))
    await storage.gaps.add([Gap(A, NOW, after(60))])
    await storage.message_keys.bind(A, "deploy", RECEIPT.timestamp)
    await storage.message_keys.reserve(B, "deploy", NOW)
    await storage.rate_limiter.reserve(A, 1, 1)
    await storage.rate_limiter.pause(B, 30)


async def use(storage: FileStorage) -> tuple[list[str], list[str], list[str], list[str]]:
    """Does everything that a pack and an operator do, and returns the keys that were handled or set aside."""
    at(storage, after(10))
    outbox, journal = storage.outbox, storage.journal
    await outbox.backlog()
    await outbox.next_due_seconds()
    delivered = []
    while claims := await outbox.claim(5, 1, LEASE):
        for claim in claims:
            await outbox.ack(claim, claim.entries[0])
            await outbox.release(claim)
            delivered.append(claim.entries[0].key)
    await journal.backlog()
    await journal.open_poll_session()
    resumed = []
    while entries := await journal.claim_orphans(2):
        for entry in entries:
            if entry.state is not ActionState.COMPLETED:
                await journal.set_outcome(entry.action.id, SENT)
            await journal.mark_reported(entry.action.id)
            resumed.append(str(entry.action.id))
    dead_letters = [entry.key async for entry in outbox.entries(dead_lettered=True)]
    dead_actions = [str(entry.action.id) async for entry in journal.entries(dead_lettered=True)]
    await outbox.purge(timedelta(hours=48))
    await journal.purge(timedelta(hours=48))
    for channel_id in (A, B, C):
        await storage.channels.last_message_at(channel_id)
        await storage.rate_limiter.reserve(channel_id, 1, 1)
    await storage.channels.unjoined_memberships()
    await storage.gaps.pending()
    for channel_id in (A, B):
        await storage.message_keys.find(channel_id, "deploy")
    await storage.message_keys.keys_of([(A, RECEIPT.timestamp)])
    await storage.message_keys.purge(timedelta(days=30))
    await storage.rate_limiter.paused()
    return delivered, dead_letters, resumed, dead_actions


COLUMNS = {
    "outbox": (
        "key lane kind state received_at said refusals first_refused_at reason uptime refused_uptime is_backfilled"
    ),
    "lanes": "name priority head head_at claimed_to lease_until not_before is_interrupted heard_until uptime",
    "journal": "id state in_hand taken_at command outcome concluded_at reason uptime",
    "steps": "action name position begun_at result error",
    "message_keys": "channel_id key timestamp reserved_since uptime",
    "taking": "since",
    "joined": "channel_id at",
    "bystanders": "channel_ids",
    "gaps": "channel_id after_at until_at",
    "paces": "channel_id used_until",
    "pauses": "channel_id until lasts",
    "tallies": "kind state rows",
    "uptime": "micros",
}
ROWS = {"outbox": ("key", (WAITING.key, REJECTED.key)), "journal": ("id", (TAKEN, PLANNED, COMPLETED, Y))}
"""The rows to damage; in other tables it is the first."""


def damage(directory: Path, table: str, column: str, value: str) -> bool:
    """Replaces a column's value in some rows, as an editor would. Returns False if SQLite refuses."""
    changed = 0
    with closing(sqlite3.connect(directory / "flyte-slack.db", isolation_level=None)) as connection:
        name, keys = ROWS.get(table, ("rowid" if table == "lanes" else column, ()))
        keys = keys or connection.execute(f"SELECT min({name}) FROM {table}").fetchone()  # noqa: S608 - constants
        for key in keys:
            with suppress(sqlite3.IntegrityError):
                update = f"UPDATE {table} SET {column} = {value} WHERE {name} IS ?"  # noqa: S608
                changed += connection.execute(update, (key,)).rowcount
    return changed > 0


async def test_an_interaction_whose_lane_is_missing_gets_it_back_with_its_priority(directory: Path) -> None:
    async with (storage := FileStorage(directory, CLOCK)).open():
        await storage.outbox.append([new_click(1)])
    with closing(sqlite3.connect(directory / "flyte-slack.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM lanes")
    async with (storage := FileStorage(directory, CLOCK)).open():
        [claim] = await storage.outbox.claim(1, 5, LEASE)
    assert (claim.lane, claim.entries) == (new_click(1).lane, (new_click(1),))


PLACES = [pytest.param(table, name, id=f"{table}.{name}") for table in COLUMNS for name in COLUMNS[table].split()]


@pytest.mark.parametrize(("table", "column"), PLACES)
async def test_a_damaged_value_stops_nothing_else(directory: Path, tmp_path: Path, table: str, column: str) -> None:
    for kind, value in DAMAGE.items():
        damaged = Path(shutil.copytree(directory, tmp_path / kind))
        if not damage(damaged, table, column, value):
            continue

        with capture_logs() as logs:
            storage = FileStorage(damaged, CLOCK)
            async with at(storage, NOW).open():
                handled = await use(storage)
                backlogs = await storage.outbox.backlog(), await storage.journal.backlog()

        where = f"{column} = {value}: {handled} {logs}"
        delivered, dead_letters, resumed, dead_actions = handled
        assert {BEHIND.key, ELSEWHERE.key} <= set(delivered), where
        assert len(set(delivered) | set(dead_letters)) == 4, where
        assert len(set(resumed) | set(dead_actions)) == 4, where
        assert [backlog.waiting for backlog in backlogs] == [0, 0], where
        assert [backlog.dead_lettered for backlog in backlogs] == [len(dead_letters), len(dead_actions)], where


@pytest.mark.parametrize("value", ["9223372036854775807", "253402300800000000", "-1", "'soon'"])
@pytest.mark.parametrize(
    ("table", "column"),
    [("paces", "used_until"), ("pauses", "until"), ("pauses", "lasts")],
)
async def test_a_pause_out_of_range_is_none_and_is_reported(
    directory: Path, table: str, column: str, value: str
) -> None:
    with closing(sqlite3.connect(directory / "flyte-slack.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM pauses")
        connection.execute("DELETE FROM paces")
        connection.execute("INSERT INTO paces VALUES ('C9', 0)")
        if table == "pauses":
            latest, hour = 253402300799999999, 3_600_000_000
            connection.execute("INSERT INTO pauses VALUES ('C9', ?, ?)", (latest, hour))
        connection.execute(f"UPDATE {table} SET {column} = {value}")  # noqa: S608 - constants
    storage = FileStorage(directory, CLOCK)
    with capture_logs() as logs:
        async with at(storage, NOW).open():
            assert await storage.rate_limiter.paused() == {}
            assert await storage.rate_limiter.reserve(ChannelId("C9"), 1, 1) == 0
    found = [(line["table"], line["column"], line["rows"]) for line in logs if line["event"] == "state_repaired"]
    assert found == [(table, column, 1)]


async def test_no_saved_pause_lasts_longer_than_an_hour(directory: Path) -> None:
    with closing(sqlite3.connect(directory / "flyte-slack.db", isolation_level=None)) as connection:
        connection.execute("REPLACE INTO paces VALUES ('C9', 0)")
        connection.execute("REPLACE INTO pauses VALUES ('C9', 253402300799999999, 253402300799999999)")
    storage = FileStorage(directory, CLOCK)
    with capture_logs() as logs:
        async with at(storage, NOW).open():
            assert "C9" not in await storage.rate_limiter.paused()
    assert [line["column"] for line in logs if line["event"] == "state_repaired"] == ["lasts"]
