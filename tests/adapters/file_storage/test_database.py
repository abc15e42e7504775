"""The SQLite file: one thread, one transaction for all pending requests, results only after the commit."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from domain.actions import ActionId, Step, StepName
from domain.channels import ChannelId
from domain.errors import StorageUnavailable, TooLate
from entrypoints.testing.action_states import SENT
from entrypoints.testing.storage_values import (
    CLOCK,
    HELD,
    LANE_A,
    LEASE,
    NOW,
    STEP_A,
    STEP_B,
    A,
    B,
    X,
    action,
    after,
    at,
    new_click,
    new_entry,
)
from tests.support.file_storages import executed_statements


@pytest.fixture
async def statements(storage: FileStorage) -> list[str]:
    return await executed_statements(storage)


async def test_concurrent_requests_share_a_commit(storage: FileStorage, statements: list[str]) -> None:
    await asyncio.gather(*(storage.outbox.append([new_entry(A, n)]) for n in range(500)))
    assert statements.count("COMMIT") < 25


async def test_a_request_returns_after_its_commit(storage: FileStorage, statements: list[str]) -> None:
    await storage.outbox.append([new_entry(A, 1)])
    assert statements[-1] == "COMMIT"


async def test_every_commit_is_synced_to_the_disk(storage: FileStorage) -> None:
    def pragmas(connection: sqlite3.Connection) -> list[object]:
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]

    assert await storage.database.run(pragmas) == ["wal", 2]


async def test_a_failing_request_does_not_affect_others_in_its_commit(storage: FileStorage) -> None:
    requests = [storage.journal.record(action(ActionId(str(n))), lane=LANE_A) for n in range(10)]
    wrong = [storage.journal.mark_reported(ActionId(f"unknown {n}")) for n in range(10)]
    mixed = [request for pair in zip(requests, wrong, strict=True) for request in pair]
    answers = await asyncio.gather(*mixed, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), ValueError] * 10
    assert (await storage.journal.backlog()).waiting == 10


async def test_a_failing_request_is_rolled_back_completely(storage: FileStorage) -> None:
    def fail_half_way(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO joined VALUES ('CA', 1)")
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        await storage.database.run(fail_half_way)
    assert await storage.database.run(
        lambda connection: connection.execute("SELECT count(*) FROM joined").fetchone()
    ) == (0,)


async def test_an_unexpected_error_reaches_its_caller_only(storage: FileStorage) -> None:
    def collide(connection: sqlite3.Connection) -> None:
        for _ in range(2):
            connection.execute("INSERT INTO joined VALUES ('CA', 1)")

    bug = storage.database.run(collide)
    good = storage.outbox.append([new_entry(A, 1)])
    error, answer = await asyncio.gather(bug, good, return_exceptions=True)
    assert isinstance(error, sqlite3.IntegrityError)
    assert answer == [True]


async def test_a_cancelled_request_does_not_affect_others(storage: FileStorage) -> None:
    cancelled = asyncio.ensure_future(storage.outbox.append([new_entry(A, 1)]))
    others = [asyncio.ensure_future(storage.outbox.append([new_entry(B, n)])) for n in range(5)]
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await asyncio.gather(*others) == [[True]] * 5


async def test_a_locked_file_does_not_block_the_event_loop(storage: FileStorage, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "storage" / "flyte-slack.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    append = asyncio.ensure_future(storage.outbox.append([new_entry(A, 1)]))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not append.done()
    other.execute("ROLLBACK")
    assert await append == [True]
    other.close()


@pytest.fixture
def slow_disk(storage: FileStorage, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that holds up every write until it is rolled back."""
    del storage
    with closing(sqlite3.connect(tmp_path / "storage" / "flyte-slack.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def test_a_write_that_is_late_is_undone_and_no_other_write_is(
    storage: FileStorage, slow_disk: sqlite3.Connection
) -> None:
    at(storage, NOW)
    late = asyncio.ensure_future(storage.outbox.append([new_click(1)], within_seconds=2.5))
    patient = asyncio.ensure_future(storage.outbox.append([new_click(2)], within_seconds=60))
    others = [asyncio.ensure_future(storage.outbox.append([new_entry(A, n)])) for n in range(3)]
    await asyncio.sleep(0)
    at(storage, after(2.5))
    slow_disk.execute("ROLLBACK")

    answers = await asyncio.gather(late, patient, *others, return_exceptions=True)

    assert [type(answer) for answer in answers] == [TooLate, *[list] * 4]
    waiting = [entry.key async for entry in storage.outbox.entries()]
    assert sorted(waiting) == sorted([new_click(2).key, *(new_entry(A, n).key for n in range(3))])
    assert (await storage.outbox.backlog()).waiting == 4


async def test_a_write_that_becomes_late_while_others_are_written_is_undone_alone(storage: FileStorage) -> None:
    at(storage, NOW)
    await storage.outbox.append([new_entry(A, 1)])
    [claim] = await storage.outbox.claim(1, 1, LEASE)
    busy = storage.database.run(lambda _: at(storage, after(3)))
    late = storage.outbox.append([new_click(2)], within_seconds=2.5)

    answers = await asyncio.gather(late, busy, storage.outbox.ack(claim, claim.entries[0]), return_exceptions=True)

    assert [type(answer) for answer in answers] == [TooLate, FileStorage, type(None)]
    assert [entry async for entry in storage.outbox.entries()] == []


async def test_a_write_in_time_survives_the_slow_disk(storage: FileStorage, slow_disk: sqlite3.Connection) -> None:
    append = asyncio.ensure_future(storage.outbox.append([new_click(1)], within_seconds=2.5))
    await asyncio.sleep(0)
    at(storage, after(2.4))
    slow_disk.execute("ROLLBACK")
    assert await append == [True]


async def test_a_write_that_fails_and_is_late_is_late(storage: FileStorage, tmp_path: Path) -> None:
    at(storage, NOW)
    (tmp_path / "storage").rename(tmp_path / "away")
    busy = storage.database.run(lambda _: None)
    late = asyncio.ensure_future(storage.outbox.append([new_click(1)], within_seconds=0.0))
    in_time = storage.outbox.append([new_click(2)], within_seconds=2.5)
    answers = await asyncio.gather(busy, late, in_time, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StorageUnavailable, TooLate, StorageUnavailable]


async def test_the_next_lanes_are_found_without_looking_at_the_others(storage: FileStorage) -> None:
    await storage.outbox.append([new_entry(ChannelId(f"C{n}"), n) for n in range(2000)])
    await storage.outbox.append([new_click(1)])
    steps = await storage.database.run(_count_steps)
    [claim] = await storage.outbox.claim(1, 10, LEASE)
    assert claim.entries == (new_click(1),)
    assert next(steps) < 100, "hundreds of virtual machine instructions"


def _count_steps(connection: sqlite3.Connection) -> "count[int]":
    """Returns a counter that grows with every hundred instructions of SQLite's virtual machine."""
    steps = count()
    connection.set_progress_handler(lambda: next(steps) < 0, 100)
    return steps


async def test_a_closed_storage_accepts_no_request(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "storage", CLOCK)
    with pytest.raises(StorageUnavailable, match="not open"):
        await storage.outbox.backlog()
    async with storage.open():
        pass
    with pytest.raises(StorageUnavailable, match="not open"):
        await storage.outbox.append([new_entry(A, 1)])
    with pytest.raises(StorageUnavailable, match="not open"):
        await storage.channels.join(A, since=NOW)


async def test_requests_made_before_closing_are_completed(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "storage", CLOCK)
    async with storage.open():
        appends = [asyncio.ensure_future(storage.outbox.append([new_entry(A, n)])) for n in range(50)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*appends) == [[True]] * 50


async def test_keys_do_not_age_while_no_pack_runs(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "storage", CLOCK)
    async with at(storage, NOW).open():
        await storage.outbox.append([new_entry(A, 1)])
        assert await storage.outbox.discard(new_entry(A, 1).key)
    at(storage, after(1_000_000))
    async with storage.open():
        assert await storage.outbox.purge(timedelta(seconds=1)) == 0


async def test_an_idle_pack_writes_how_long_it_has_run_once_a_minute(
    storage: FileStorage, statements: list[str]
) -> None:
    for seconds in range(1, 601):
        await at(storage, after(seconds)).outbox.backlog()
    assert len([text for text in statements if text.startswith("REPLACE INTO uptime")]) == 10


async def use_everything(storage: FileStorage) -> None:
    """Makes every kind of request at least once."""
    outbox, journal = storage.outbox, storage.journal
    await outbox.append([new_entry(A, n) for n in range(300)])
    [claim] = await outbox.claim(5, 5, LEASE)
    await outbox.ack(claim, claim.entries[0])
    await outbox.dead_letter(claim, claim.entries[1], "no")
    await outbox.renew_lease(claim, LEASE)
    await outbox.release(claim, retry_after_seconds=1, rejected=True)
    await outbox.next_due_seconds()
    await outbox.backlog()
    assert [entry async for entry in outbox.entries()]
    assert [entry async for entry in outbox.entries(dead_lettered=True)]
    await outbox.requeue(claim.entries[1].key)
    await outbox.discard(claim.entries[2].key)
    await outbox.purge(timedelta())
    await journal.record(action(), lane=LANE_A)
    await journal.plan_steps(X, [STEP_A, STEP_B])
    await journal.begin_step(X, STEP_A, HELD)
    await journal.complete_step(X, STEP_A, HELD, error="no")
    await journal.claim_orphans(1)
    assert [entry async for entry in journal.entries()]
    await journal.set_outcome(X, SENT)
    await journal.dead_letter(X, "no")
    assert [entry async for entry in journal.entries(dead_lettered=True)]
    await journal.requeue(X)
    await journal.claim_orphans(1)
    await journal.mark_reported(X)
    await journal.backlog()
    await journal.discard(X)
    await journal.purge(timedelta())
    await storage.channels.join(A, since=NOW)
    await storage.channels.last_message_at(A)
    await storage.heartbeat(LEASE)


async def test_no_query_scans_a_table(storage: FileStorage, statements: list[str]) -> None:
    await use_everything(storage)
    queries = [text for text in statements if text.startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE"))]
    await storage.database.run(lambda connection: connection.set_trace_callback(None))

    def plans(connection: sqlite3.Connection) -> list[tuple[str, str]]:
        return [(row[3], query) for query in set(queries) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]

    steps = await storage.database.run(plans)
    assert len(steps) > 40
    scans = [step for step in steps if step[0].startswith("SCAN") and "USING INDEX" not in step[0]]
    assert [step for step in scans if step[0] != "SCAN bystanders"] == [], "a table with one row"


async def test_each_step_of_a_long_broadcast_is_stored_separately(storage: FileStorage) -> None:
    names = [StepName(f"C{n}") for n in range(1000)]
    await at(storage, NOW).journal.record(action(), lane=LANE_A)
    await storage.journal.plan_steps(X, names)
    await asyncio.gather(*(at(storage, NOW).journal.begin_step(X, name, HELD) for name in names))
    await asyncio.gather(*(storage.journal.complete_step(X, name, HELD, error="no") for name in names))
    entry = await storage.journal.load(X)
    assert entry is not None
    assert list(entry.steps) == names
    assert set(entry.steps.values()) == {Step(NOW, error="no")}


async def test_a_transaction_whose_commit_fails_has_no_effect(
    storage: FileStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as failing:
        failing.setattr(storage.database, "_before_commit", fail)
        for _ in range(3):
            with pytest.raises(StorageUnavailable, match="disk I/O error"):
                await storage.outbox.append([new_entry(A, 1)])
    assert await storage.outbox.append([new_entry(A, 1)]) == [True]


@pytest.mark.parametrize("value", [2**62, -(2**62), "tomorrow", b"\x00", 1e300])
async def test_a_stored_rate_that_makes_no_sense_delays_no_post_by_more_than_its_policy(
    tmp_path: Path, value: object
) -> None:
    storage = FileStorage(tmp_path / "storage", CLOCK)
    async with storage.open():
        await storage.database.run(
            lambda connection: connection.execute("INSERT INTO paces VALUES ('CA', ?)", (value,))
        )
    async with storage.open():
        assert (await storage.rate_limiter.paused()).get(A, 0) <= 3600
        await storage.rate_limiter.lift([A])
        assert await storage.rate_limiter.reserve(A, 1, 10) <= 1
