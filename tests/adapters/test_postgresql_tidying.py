"""What the storage in PostgreSQL forgets by itself."""

from collections.abc import Iterator

import psycopg
import pytest

from adapters.postgresql.storage import PostgresStorage
from entrypoints.testing.claims_contract import claim_one
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.replicas_contract import REPLICA
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import LEASE, NOW, A, B, C, after, at, new_entry
from tests.support.manual_uptime import manual_uptime

DAY = 86400


class TestTidying(StorageSuite):
    @pytest.fixture
    def restart(self, tables_url: str, clock: ManualClock) -> Iterator[Restart]:
        with manual_uptime(tables_url, clock):
            yield lambda: PostgresStorage(tables_url, clock, lease_seconds=60)

    async def test_lanes_that_have_been_silent_for_three_days_are_forgotten_unless_the_pack_listens_there(
        self, restart: Restart, tables_url: str
    ) -> None:
        async with (storage := restart()).open():
            await storage.channels.join(A, since=NOW)
            await storage.channels.set_unjoined_memberships(frozenset({B}))
            for channel_id in (A, B, C):
                await storage.outbox.append([new_entry(channel_id, 1)])
                claim = await claim_one(storage)
                await storage.outbox.ack(claim, claim.entries[0])
                await storage.outbox.release(claim)
            await at(storage, after(3 * DAY + 1)).heartbeat(LEASE)
        with psycopg.connect(tables_url) as connection:
            lanes = connection.execute("SELECT name FROM flyte_slack.lanes ORDER BY name").fetchall()
        assert lanes == [(A,), (B,)]

    async def test_a_lane_with_entries_is_never_forgotten(self, restart: Restart) -> None:
        async with (storage := restart()).open():
            await storage.outbox.append([new_entry(A, 1), new_entry(B, 1)])
            claim = (await storage.outbox.claim(1, 1, LEASE))[0]
            await storage.outbox.dead_letter(claim, claim.entries[0], "no")
            await storage.outbox.release(claim)
            await at(storage, after(3 * DAY + 1)).heartbeat(LEASE)
            assert await storage.outbox.requeue(new_entry(A, 1).key)
            assert len(await storage.outbox.claim(10, 10, LEASE)) == 2

    async def test_a_lane_that_was_forgotten_has_higher_tokens_when_it_comes_back(self, restart: Restart) -> None:
        tokens = []
        for day in (0, 4):
            async with (storage := restart()).open():
                await at(storage, after(day * DAY)).heartbeat(LEASE)
                await storage.outbox.append([new_entry(A, day)])
                claim = await claim_one(storage, day * DAY)
                await storage.outbox.ack(claim, claim.entries[0])
                await storage.outbox.release(claim)
                tokens.append(claim.lease.token)
        assert tokens == sorted(set(tokens))

    async def test_replicas_that_are_gone_for_a_day_are_forgotten(self, restart: Restart, tables_url: str) -> None:
        async with (storage := restart()).open():
            await storage.replicas.announce(REPLICA)
        async with (storage := restart()).open():
            await at(storage, after(2 * DAY)).heartbeat(LEASE)
            await storage.channels.join(A, since=NOW)
        with psycopg.connect(tables_url) as connection:
            assert connection.execute("SELECT count(*) FROM flyte_slack.replicas").fetchone() == (1,)
