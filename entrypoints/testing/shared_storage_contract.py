"""The contract of a storage that several processes share."""

from dataclasses import replace

import pytest

from application.ports.storage import Storage
from domain.actions import ActionId
from domain.commands import UnknownCommand
from domain.errors import LeaseLost, StorageUnusable
from domain.events import BroadcastSent
from entrypoints.testing.claims_contract import claim_one
from entrypoints.testing.replicas_contract import REPLICA
from entrypoints.testing.shared_actions_contract import SharedActionsContract
from entrypoints.testing.shared_contents_contract import SharedContentsContract
from entrypoints.testing.shared_storage_suite import lose, take
from entrypoints.testing.storage_suite import Restart
from entrypoints.testing.storage_values import (
    LANE_A,
    LANE_B,
    LEASE,
    NOW,
    STEP_A,
    A,
    X,
    Y,
    action,
    after,
    at,
    held,
    new_entry,
)

SENT = BroadcastSent("hello", (A,))
Z = ActionId("z")


class SharedStorageContract(SharedActionsContract, SharedContentsContract):
    """Subclasses provide the fixture `restart`, which returns a further process. StorageContract applies as well."""

    # Claims of the outbox

    async def test_a_lane_that_one_process_has_claimed_no_other_gets(self, storage: Storage, other: Storage) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        await claim_one(storage)
        assert await other.outbox.claim(10, 10, LEASE) == []

    async def test_an_expired_claim_is_taken_over_and_its_holder_changes_nothing(
        self, storage: Storage, other: Storage
    ) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        lost = await claim_one(storage)
        claim = await claim_one(other, LEASE)
        assert claim.previous_lease_expired
        for call in (
            storage.outbox.ack(lost, lost.entries[0]),
            storage.outbox.dead_letter(lost, lost.entries[0], "no"),
            storage.outbox.release(lost, rejected=True),
            storage.outbox.renew_lease(lost, LEASE),
        ):
            with pytest.raises(LeaseLost):
                await call
        await other.outbox.ack(claim, claim.entries[0])

    async def test_a_channel_that_one_process_joins_is_joined_for_all(self, storage: Storage, other: Storage) -> None:
        await storage.channels.join(A, since=NOW)
        assert await other.outbox.append([new_entry(A, 1)], only_if_joined={A}) == [True]
        await storage.channels.leave(A)
        assert await other.outbox.append([new_entry(A, 2)], only_if_joined={A}) == [False]

    async def test_a_key_that_one_process_has_stored_is_recognised_by_all(
        self, storage: Storage, other: Storage
    ) -> None:
        await storage.outbox.append([new_entry(A, 1)])
        assert await other.outbox.append([new_entry(A, 1)]) == [False]

    # Outgoing lanes

    async def test_a_lane_that_one_process_has_no_other_gets(self, storage: Storage, other: Storage) -> None:
        lease = await held(storage)
        assert await other.leases.acquire(LANE_A) is None
        assert await other.leases.acquire(LANE_B)
        await storage.leases.release(lease)
        assert (await held(other)).token > lease.token

    async def test_the_lanes_of_a_lost_process_are_taken_over(self, storage: Storage, other: Storage) -> None:
        lost = await held(other)
        await lose(other, storage)
        assert (await held(storage)).token > lost.token
        with pytest.raises(LeaseLost):
            await other.leases.check(lost)
        await other.leases.release(lost)
        assert await other.leases.acquire(LANE_A) is None

    async def test_an_action_waits_for_the_earlier_ones_of_its_lane_whoever_took_them(
        self, storage: Storage, other: Storage
    ) -> None:
        await take(storage, X)
        await take(other, Y)
        await take(storage, Z)
        assert await other.leases.first(LANE_A) == X
        assert await other.leases.acquire(LANE_A, Y) is None
        await storage.journal.set_outcome(X, SENT)
        assert await storage.leases.acquire(LANE_A, Z) is None
        assert await other.leases.first(LANE_A) == Y
        assert await other.leases.acquire(LANE_A, Y)
        await other.journal.set_outcome(Y, SENT)
        await other.journal.mark_reported(Y)
        assert await storage.leases.first(LANE_A) == Z

    async def test_an_action_waits_for_the_earlier_ones_of_its_own_lane_in_any_other(
        self, storage: Storage, other: Storage
    ) -> None:
        await take(storage, X)
        await take(other, Y)
        assert await other.leases.acquire(LANE_B, Y) is None
        await storage.journal.set_outcome(X, SENT)
        assert await other.leases.acquire(LANE_B, Y)

    async def test_a_step_can_be_recorded_only_under_the_latest_lease(self, storage: Storage, other: Storage) -> None:
        await take(storage)
        lost = await held(storage)
        await storage.journal.begin_step(X, STEP_A, lost)
        await storage.leases.release(lost)
        await held(other)
        for call in (
            storage.journal.begin_step(X, STEP_A, lost),
            storage.journal.undo_begin_step(X, STEP_A, lost),
            storage.journal.complete_step(X, STEP_A, lost, error="no"),
        ):
            with pytest.raises(LeaseLost):
                await call

    # The journal

    async def test_no_process_gets_the_actions_of_a_living_one(self, storage: Storage, other: Storage) -> None:
        await take(storage)
        assert await other.journal.claim_orphans(10) == []

    async def test_the_actions_of_a_lost_process_are_taken_over_in_order(
        self, storage: Storage, other: Storage
    ) -> None:
        for action_id in (Y, X, Z):
            await take(other, action_id)
        await other.journal.set_outcome(X, SENT)
        await lose(other, storage)
        assert [entry.action.id for entry in await storage.journal.claim_orphans(10)] == [Y, X, Z]
        assert await storage.journal.claim_orphans(10) == []

    async def test_a_process_changes_no_action_that_was_taken_over(self, storage: Storage, other: Storage) -> None:
        await take(other)
        lease = await held(other)
        await lose(other, storage)
        await storage.journal.claim_orphans(10)
        for call in (
            other.journal.plan_steps(X, [STEP_A]),
            other.journal.begin_step(X, STEP_A, lease),
            other.journal.set_outcome(X, SENT),
            other.journal.mark_reported(X),
            other.journal.dead_letter(X, "no"),
        ):
            with pytest.raises(LeaseLost):
                await call
        await storage.journal.set_outcome(X, SENT)
        await storage.journal.mark_reported(X)
        with pytest.raises(LeaseLost):
            await other.journal.set_outcome(X, SENT)

    async def test_a_process_that_was_late_keeps_what_nobody_has_taken_over(
        self, storage: Storage, other: Storage
    ) -> None:
        await take(other)
        await lose(other, storage)
        await other.heartbeat(LEASE)
        assert await storage.journal.claim_orphans(10) == []
        await other.journal.set_outcome(X, SENT)

    async def test_a_process_that_was_late_does_not_get_its_own_actions_again(
        self, storage: Storage, other: Storage
    ) -> None:
        await take(other)
        await lose(other, storage)
        assert await other.journal.claim_orphans(10) == []

    async def test_the_actions_of_a_process_that_has_ended_are_taken_over_at_once(
        self, restart: Restart, storage: Storage
    ) -> None:
        async with (ended := restart()).open():
            await ended.heartbeat(LEASE)
            await take(ended)
        assert [entry.action.id for entry in await storage.journal.claim_orphans(10)] == [X]

    async def test_an_action_that_was_given_back_goes_to_a_process_that_knows_its_command(
        self, storage: Storage, other: Storage
    ) -> None:
        await storage.journal.record(action(X, UnknownCommand("New")), lane=LANE_A)
        await storage.journal.give_back(X)
        assert await storage.journal.claim_orphans(10) == []
        await lose(other, storage)
        assert [entry.action.id for entry in await storage.journal.claim_orphans(10)] == [X]

    async def test_an_open_poll_session_belongs_to_its_process(self, storage: Storage, other: Storage) -> None:
        await at(other, NOW).journal.open_poll_session()
        assert await at(storage, after(1)).journal.open_poll_session() is None
        assert await storage.journal.abandoned_poll_session() is None
        await storage.journal.close_poll_session()
        await lose(other, storage)
        assert await storage.journal.abandoned_poll_session() == NOW
        assert await storage.journal.abandoned_poll_session() is None

    async def test_a_new_process_takes_over_the_poll_session_of_a_lost_one(
        self, storage: Storage, other: Storage
    ) -> None:
        await at(other, NOW).journal.open_poll_session()
        await lose(other, storage)
        assert await storage.journal.open_poll_session() == NOW

    # Replicas

    async def test_processes_know_one_another(self, storage: Storage, other: Storage) -> None:
        two = replace(REPLICA, name="two", version="2.0")
        assert await storage.replicas.announce(REPLICA) == []
        assert await other.replicas.announce(two) == [REPLICA]
        assert await storage.replicas.others() == [two]

    async def test_a_lost_process_is_told_with_the_time_since_its_heartbeat_expired(
        self, storage: Storage, other: Storage
    ) -> None:
        await other.replicas.announce(REPLICA)
        await lose(other, storage)
        assert await storage.replicas.others() == [replace(REPLICA, gone_seconds=1)]

    async def test_a_storage_of_another_bot_is_refused(self, storage: Storage, other: Storage) -> None:
        await storage.replicas.claim_for("T1", "B1")
        await other.replicas.claim_for("T1", "B1")
        for team_id, bot_id in (("T1", "B2"), ("T2", "B1")):
            with pytest.raises(StorageUnusable):
                await other.replicas.claim_for(team_id, bot_id)

    async def test_the_latest_time_of_a_connection_is_that_of_any_process(
        self, storage: Storage, other: Storage
    ) -> None:
        assert await storage.replicas.connected_until() is None
        await storage.replicas.note_connected(after(5))
        await other.replicas.note_connected(after(3))
        await lose(other, storage)
        assert await storage.replicas.connected_until() == after(5)
        await other.replicas.note_connected(after(7))
        assert await storage.replicas.connected_until() == after(7)
