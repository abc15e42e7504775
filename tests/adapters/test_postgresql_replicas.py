"""What replicas on one PostgreSQL database promise one another beyond the contract of shared storages."""

from collections.abc import Iterator

import pytest

from adapters.postgresql.storage import PostgresStorage
from application.ports.replicas import Replica
from application.ports.storage import Storage
from domain.actions import Action
from domain.commands import UnknownCommand
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.shared_actions_contract import orphans
from entrypoints.testing.shared_storage_suite import SharedStorageSuite, lose, take
from entrypoints.testing.storage_suite import Restart
from entrypoints.testing.storage_values import LANE_A, LEASE, NOW, STEP_A, X, after, at, held
from tests.support.manual_uptime import manual_uptime

OLD, NEW = Replica("old", "1.0", commands=("Broadcast",)), Replica("new", "1.1", commands=("Broadcast", "Dance"))
DANCE = Action(X, UnknownCommand("Dance"))


class TestReplicas(SharedStorageSuite):
    @pytest.fixture
    def restart(self, tables_url: str, clock: ManualClock) -> Iterator[Restart]:
        with manual_uptime(tables_url, clock):
            yield lambda: PostgresStorage(tables_url, clock, lease_seconds=LEASE)

    async def test_whoever_checks_its_lease_after_a_late_heartbeat_keeps_the_lane(
        self, storage: Storage, other: Storage
    ) -> None:
        lease = await held(storage)
        await at(storage, after(LEASE + 1)).leases.check(lease)
        assert await other.leases.acquire(LANE_A) is None

    async def test_whoever_begins_a_step_after_a_late_heartbeat_keeps_the_lane_and_the_action(
        self, storage: Storage, other: Storage
    ) -> None:
        await take(storage)
        lease = await held(storage)
        await at(storage, after(LEASE + 1)).journal.begin_step(X, STEP_A, lease)
        assert await other.leases.acquire(LANE_A) is None
        assert await orphans(other) == []

    async def test_a_command_is_left_to_the_replicas_that_know_it(
        self, restart: Restart, storage: Storage, other: Storage
    ) -> None:
        await storage.replicas.announce(NEW)
        await other.replicas.announce(OLD)
        async with (ending := restart()).open():
            await ending.journal.record(DANCE, lane=LANE_A)
        assert await orphans(other) == []
        assert await orphans(storage) == [X]

    async def test_a_command_that_no_living_replica_knows_is_taken_by_any(
        self, restart: Restart, storage: Storage, other: Storage
    ) -> None:
        await storage.replicas.announce(OLD)
        await other.replicas.announce(OLD)
        async with (newer := restart()).open():
            await newer.replicas.announce(NEW)
            await newer.journal.record(DANCE, lane=LANE_A)
        assert await orphans(storage) == [X]

    async def test_a_given_back_action_goes_to_a_replica_that_knows_the_command(
        self, storage: Storage, other: Storage
    ) -> None:
        await storage.replicas.announce(OLD)
        await other.replicas.announce(NEW)
        await storage.journal.record(DANCE, lane=LANE_A)
        await storage.journal.give_back(X)
        assert await orphans(storage) == []
        assert await orphans(other) == [X]

    async def test_whoever_takes_a_poll_session_over_leaves_it_to_the_next_at_its_end(
        self, restart: Restart, storage: Storage, other: Storage
    ) -> None:
        await other.journal.open_poll_session(NOW)
        async with (second := restart()).open():
            await lose(other, second)
            assert await second.journal.abandoned_poll_session() == NOW
        assert await storage.journal.open_poll_session(after(LEASE + 2)) == NOW
