"""What the file no longer holds: capabilities, texts, lanes, rates, and the space that they took."""

import asyncio
import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

from structlog.testing import capture_logs

from adapters.filesystem.storage import FileStorage
from domain.actions import ActionId
from domain.channels import ChannelId
from domain.commands import ChatCommand
from domain.events import Fatal
from domain.messages import IncomingMessage
from domain.outbox import outbox_entry
from entrypoints.testing.storage_values import (
    CLOCK,
    LANE_A,
    LEASE,
    NOW,
    A,
    action,
    after,
    at,
    new_click,
    new_entry,
)
from tests.support.file_storages import executed_statements


async def test_a_delivered_interaction_leaves_no_capability_in_the_file(storage: FileStorage, tmp_path: Path) -> None:
    await storage.outbox.append([new_click(1), new_click(2)])
    [claim] = await storage.outbox.claim(1, 1, LEASE)
    await storage.outbox.ack(claim, claim.entries[0])
    await storage.outbox.discard(new_click(2).key)
    await storage.database.run(_bring_together)
    content = (tmp_path / "storage" / "flyte-slack.db").read_bytes()
    assert new_click(1).key.encode() in content
    assert b"hooks.slack.com" not in content
    assert b"trigger." not in content


async def test_what_is_forgotten_does_not_stay_in_the_log(storage: FileStorage, tmp_path: Path) -> None:
    await storage.outbox.append([new_click(1)])
    [claim] = await storage.outbox.claim(1, 1, LEASE)
    await storage.outbox.ack(claim, claim.entries[0])
    await storage.outbox.backlog()  # the log was emptied before
    assert b"trigger." not in _files(tmp_path)


async def test_the_log_is_emptied_once_a_second_at_most(storage: FileStorage) -> None:
    statements = await executed_statements(storage)
    for number in range(3):
        opened = action(ActionId(f"action {number}"), ChatCommand("OpenModal", {"triggerId": "trigger"}))
        await storage.journal.record(opened, lane=LANE_A)
        await storage.journal.set_outcome(opened.id, Fatal("error"))
        await storage.journal.mark_reported(opened.id)
    assert _count_emptied(statements) == 1
    at(storage, after(1))
    await storage.outbox.backlog()
    await storage.outbox.backlog()
    assert _count_emptied(statements) == 2


async def test_an_emptied_log_is_not_taken_for_one_that_was_truncated(storage: FileStorage, tmp_path: Path) -> None:
    await storage.outbox.append([new_click(1)])
    with capture_logs() as logs:
        await storage.outbox.discard(new_click(1).key)
        await storage.outbox.backlog()
        killed = FileStorage(shutil.copytree(tmp_path / "storage", tmp_path / "as a kill would leave it"), CLOCK)
        async with killed.open():
            assert await killed.outbox.append([new_entry(A, 1)])
    assert "state_incomplete" not in [line["event"] for line in logs]


def _files(tmp_path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in (tmp_path / "storage").iterdir())


def _count_emptied(statements: list[str]) -> int:
    return sum("wal_checkpoint" in statement for statement in statements)


async def test_the_file_does_not_grow_while_as_much_is_removed_as_added(storage: FileStorage) -> None:
    sizes = []
    for cycle in range(6):
        await storage.outbox.append([new_entry(A, cycle * 1000 + n, cycle) for n in range(1000)])
        [claim] = await at(storage, NOW).outbox.claim(1, 1000, LEASE)
        await asyncio.gather(*(storage.outbox.ack(claim, entry) for entry in claim.entries))
        await storage.outbox.release(claim)
        await at(storage, after(cycle + 1)).outbox.purge(timedelta())
        pages = await storage.database.run(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
        sizes.append(pages)
    assert sizes[-1] <= sizes[1] * 1.1


async def test_free_space_is_given_back(storage: FileStorage, tmp_path: Path) -> None:
    file = tmp_path / "storage" / "flyte-slack.db"
    long = [outbox_entry(IncomingMessage(A, f"{n}.0", "x" * 40_000), NOW) for n in range(500)]
    await storage.outbox.append(long)
    await storage.database.run(_bring_together)
    size = file.stat().st_size
    for entry in long:
        assert await storage.outbox.discard(entry.key)
    await storage.heartbeat(LEASE)
    await storage.database.run(_bring_together)
    assert file.stat().st_size < size / 2


def _bring_together(connection: sqlite3.Connection) -> None:
    """Moves what the log holds into the file."""
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("BEGIN")
    connection.execute("SAVEPOINT request")


async def test_lanes_that_have_been_silent_for_three_days_are_forgotten_unless_the_pack_listens_there(
    storage: FileStorage,
) -> None:
    joined, member, direct, dead, waiting, recent = (ChannelId(f"C{n}") for n in range(6))
    await storage.channels.join(joined, since=NOW)
    await storage.channels.set_unjoined_memberships(frozenset({member}))
    for channel_id in (joined, member, direct, dead, waiting):
        await storage.outbox.append([new_entry(channel_id, 1)])
    for claim in await storage.outbox.claim(4, 1, LEASE):
        if str(claim.lane) == dead:
            await storage.outbox.dead_letter(claim, claim.entries[0], "no")
        else:
            await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.release(claim)
    await at(storage, after(71 * 3600)).outbox.append([new_entry(recent, 2)])
    assert await storage.outbox.discard(new_entry(recent, 2).key)

    await at(storage, after(73 * 3600)).heartbeat(LEASE)

    lanes = await storage.database.run(
        lambda connection: connection.execute("SELECT name FROM lanes ORDER BY name").fetchall()
    )
    assert [name for (name,) in lanes] == [joined, member, dead, waiting, recent]


async def test_a_delivered_message_leaves_no_text_in_the_file(storage: FileStorage) -> None:
    await storage.outbox.append([new_entry(A, 1)])
    [claim] = await at(storage, NOW).outbox.claim(1, 1, LEASE)
    await storage.outbox.ack(claim, claim.entries[0])
    rows = await storage.database.run(lambda connection: connection.execute("SELECT said FROM outbox").fetchall())
    assert rows == [("",)]


async def count_rates(storage: FileStorage) -> tuple[int, int]:
    """Returns the number of rates and of pauses in the file."""

    def count(connection: sqlite3.Connection) -> tuple[int, int]:
        row = connection.execute("SELECT (SELECT count(*) FROM paces), (SELECT count(*) FROM pauses)").fetchone()
        return row[0], row[1]

    return await storage.database.run(count)


async def test_rates_and_pauses_that_are_over_leave_no_rows(storage: FileStorage) -> None:
    for number in range(50):
        await at(storage, NOW).rate_limiter.reserve(ChannelId(f"C{number}"), 1, 10)
    await storage.rate_limiter.pause(A, 30)
    await storage.rate_limiter.sync()
    assert await count_rates(storage) == (51, 1)

    await at(storage, after(31)).rate_limiter.sync()
    assert await count_rates(storage) == (1, 0)

    await at(storage, after(91)).rate_limiter.sync()
    assert await count_rates(storage) == (0, 0)
