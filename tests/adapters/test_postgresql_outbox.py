"""What only the outbox in PostgreSQL has to cope with."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

from adapters.postgresql.storage import PostgresStorage
from domain.messages import IncomingMessage
from domain.outbox import outbox_entry
from entrypoints.testing.claims_contract import claim_one
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.outbox_contract import dead_letters, waiting
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import LEASE, NOW, A, B, new_entry
from tests.support.manual_uptime import manual_uptime

Execute = Callable[[str], None]


class TestPostgresOutbox(StorageSuite):
    @pytest.fixture
    def restart(self, tables_url: str, clock: ManualClock) -> Iterator[Restart]:
        with manual_uptime(tables_url, clock):
            yield lambda: PostgresStorage(tables_url, clock, lease_seconds=60)

    @pytest.fixture
    def execute(self, tables_url: str) -> Execute:
        """Changes the database behind the storage's back."""

        def execute(statement: str) -> None:
            with psycopg.connect(tables_url) as connection:
                connection.execute(statement.encode())

        return execute

    async def test_a_damaged_entry_is_set_aside_and_blocks_no_other(
        self, storage: PostgresStorage, execute: Execute
    ) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2)])
        execute("UPDATE flyte_slack.outbox SET event = '{' WHERE key LIKE '%1'")
        claim = await claim_one(storage)
        assert claim.entries == (new_entry(A, 2),)
        await storage.outbox.ack(claim, claim.entries[0])
        await storage.outbox.release(claim)
        [damaged] = await dead_letters(storage)
        assert (damaged.key, damaged.dead_letter_reason) == (new_entry(A, 1).key, "unreadable: the event is damaged")
        assert await storage.outbox.discard(damaged.key)
        backlog = await storage.outbox.backlog()
        assert (backlog.waiting, backlog.dead_lettered) == (0, 0)

    async def test_damaged_entries_leave_an_empty_lane_when_they_are_listed(
        self, storage: PostgresStorage, execute: Execute
    ) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(B, 1)])
        execute("UPDATE flyte_slack.outbox SET received_at = -1 WHERE lane = 'CA'")
        assert await waiting(storage) == [new_entry(B, 1)]
        backlog = await storage.outbox.backlog()
        assert (backlog.waiting, backlog.dead_lettered) == (1, 1)
        assert [claim.lane for claim in await storage.outbox.claim(10, 10, LEASE)] == ["CB"]

    async def test_entries_of_a_kind_that_only_a_newer_replica_knows_are_left_to_it(
        self, storage: PostgresStorage, execute: Execute
    ) -> None:
        await storage.outbox.append([new_entry(A, 1), new_entry(A, 2), new_entry(B, 1)])
        execute("UPDATE flyte_slack.outbox SET kind = 'telepathy' WHERE key = 'CA:1700000000.000002'")
        claims = await storage.outbox.claim(10, 10, LEASE)
        assert [claim.entries for claim in claims] == [(new_entry(A, 1),), (new_entry(B, 1),)]
        for claim in claims:
            await storage.outbox.ack(claim, claim.entries[0])
            await storage.outbox.release(claim)
        assert await storage.outbox.claim(10, 10, LEASE) == []
        assert (await storage.outbox.backlog()).waiting == 1

    @pytest.mark.parametrize("text", ["a\0b", "\x1a0", "\0\x1a1\x1a", "\U0001f600"])
    async def test_any_character_is_kept(self, storage: PostgresStorage, text: str) -> None:
        entry = replace(outbox_entry(IncomingMessage(A, "1700000000.000001", text), NOW), is_backfilled=True)
        await storage.outbox.append([entry])
        claim = await claim_one(storage)
        assert claim.entries == (entry,)
        await storage.outbox.dead_letter(claim, entry, f"no: {text}")
        assert [dead.dead_letter_reason for dead in await dead_letters(storage)] == [f"no: {text}"]
