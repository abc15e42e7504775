"""What processes on one storage can rely on for actions and outgoing lanes, whatever happens at the same time."""

import asyncio
from itertools import chain

import pytest

from application.ports.storage import Storage
from domain.actions import ActionId, ActionState, JournalEntry, Step
from domain.commands import Broadcast
from domain.errors import LeaseLost
from domain.events import BroadcastSent
from entrypoints.testing.action_states import TRANSITIONS, advance_to, loaded
from entrypoints.testing.shared_storage_suite import SharedStorageSuite, lose, lose_again
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
    held,
)

SENT = BroadcastSent("hello", (A,))


async def orphans(storage: Storage) -> list[ActionId]:
    """Returns the ids of the actions that a process takes over."""
    return [entry.action.id for entry in await storage.journal.claim_orphans(10)]


class SharedActionsContract(SharedStorageSuite):
    async def test_of_many_processes_that_want_a_lane_at_once_one_gets_it(
        self, storage: Storage, other: Storage
    ) -> None:
        leases = await asyncio.gather(*[each.leases.acquire(LANE_A) for each in (storage, other)])
        assert len([lease for lease in leases if lease]) == 1

    async def test_a_process_that_was_lost_goes_on_with_other_lanes(self, storage: Storage, other: Storage) -> None:
        await lose(storage, other)
        await storage.heartbeat(LEASE)
        await storage.leases.check(await held(storage))

    async def test_a_lane_is_free_once_its_process_has_ended(self, restart: Restart, storage: Storage) -> None:
        async with (ending := restart()).open():
            lease = await held(ending)
        assert (await held(storage)).token > lease.token

    async def test_an_action_waits_for_an_earlier_one_of_a_lost_process(self, storage: Storage, other: Storage) -> None:
        await storage.journal.record(action(X), lane=LANE_A)
        await other.journal.record(action(Y), lane=LANE_A)
        await lose(storage, other)
        assert await other.leases.acquire(LANE_A, Y) is None
        assert await orphans(other) == [X]
        assert await other.leases.acquire(LANE_A, X)

    async def test_the_earlier_action_of_the_same_process_comes_first(self, storage: Storage) -> None:
        for action_id in (X, Y):
            await storage.journal.record(action(action_id), lane=LANE_A)
        assert await storage.leases.acquire(LANE_A, Y) is None
        assert await storage.leases.acquire(LANE_A, X)

    async def test_the_same_action_recorded_by_two_processes_is_new_to_one(
        self, storage: Storage, other: Storage
    ) -> None:
        for number in range(20):
            same = action(ActionId(str(number)))
            known = await asyncio.gather(*[each.journal.record(same, lane=LANE_A) for each in (storage, other)])
            assert sorted(entry is None for entry in known) == [False, True]

    async def test_the_same_action_with_two_commands_is_new_to_one_process(
        self, storage: Storage, other: Storage
    ) -> None:
        for number in range(20):
            taken = [action(ActionId(str(number)), Broadcast(text)) for text in ("one", "other")]
            known = await asyncio.gather(
                storage.journal.record(taken[0], lane=LANE_A), other.journal.record(taken[1], lane=LANE_B)
            )
            assert sorted(entry is None for entry in known) == [False, True]

    async def test_actions_are_in_the_order_of_the_calls_although_these_do_not_wait_for_each_other(
        self, storage: Storage, other: Storage
    ) -> None:
        names = [ActionId(f"{number:02}") for number in range(30)]
        calls = [
            [each.journal.record(action(ActionId(name + who)), lane=LANE_A) for name in names]
            for who, each in (("a", storage), ("b", other))
        ]
        await asyncio.gather(*chain(*calls))
        listed = [entry.action.id async for entry in storage.journal.entries()]
        for who in "ab":
            assert [name for name in listed if name.endswith(who)] == [name + who for name in names]

    async def test_an_action_of_a_living_process_is_not_taken_over(self, storage: Storage, other: Storage) -> None:
        await advance_to(storage, ActionState.EXECUTING)
        assert await orphans(other) == []
        assert not await other.journal.discard(X)

    async def test_an_action_of_a_lost_process_is_taken_over_by_one(self, restart: Restart, storage: Storage) -> None:
        async with restart().open():
            pass
        names = [ActionId(f"{number:02}") for number in range(40)]
        async with (first := restart()).open(), (second := restart()).open():
            for name in names:
                await storage.journal.record(action(name), lane=LANE_A)
            await lose(storage, first)
            await second.heartbeat(LEASE)
            claims = await asyncio.gather(*[each.journal.claim_orphans(5) for each in (first, second) * 6])
            claimed = [entry.action.id for entries in claims for entry in entries]
            claimed += await orphans(first)
            assert sorted(claimed) == names

    @pytest.mark.parametrize("state", [ActionState.EXECUTING, ActionState.COMPLETED])
    @pytest.mark.parametrize("transition", TRANSITIONS)
    async def test_no_write_of_a_process_changes_an_action_that_another_one_has_taken_over(
        self, storage: Storage, other: Storage, state: ActionState, transition: str
    ) -> None:
        await advance_to(storage, state)
        await lose(storage, other)
        assert await orphans(other) == [X]
        before = await loaded(other)
        with pytest.raises(LeaseLost):
            await TRANSITIONS[transition](storage)
        assert await loaded(other) == before

    async def test_a_successor_goes_on_where_the_lost_process_was(self, storage: Storage, other: Storage) -> None:
        await storage.journal.record(action(), lane=LANE_A)
        await storage.journal.begin_step(X, STEP_A, await held(storage), at=NOW)
        await lose(storage, other)
        [entry] = await other.journal.claim_orphans(1)
        assert entry == JournalEntry(action(), NOW, ActionState.EXECUTING, {STEP_A: Step(NOW)})
        lease = await other.leases.acquire(LANE_A, X)
        assert lease
        await other.journal.complete_step(X, STEP_A, lease, error="no")
        await other.journal.set_outcome(X, SENT)
        await other.journal.mark_reported(X)
        assert (await loaded(storage)).state is ActionState.REPORTED

    async def test_no_lane_is_acquired_for_an_action_that_another_process_has_taken_over(
        self, storage: Storage, other: Storage
    ) -> None:
        await storage.journal.record(action(X), lane=LANE_A)
        await lose(storage, other)
        assert await orphans(other) == [X]
        await storage.heartbeat(LEASE)
        for lane in (LANE_A, LANE_B):
            with pytest.raises(LeaseLost):
                await storage.leases.acquire(lane, X)
        assert await other.leases.acquire(LANE_A, X)

    async def test_no_lane_is_acquired_for_an_action_that_has_an_outcome(self, storage: Storage) -> None:
        await storage.journal.record(action(X), lane=LANE_A)
        await storage.journal.set_outcome(X, SENT)
        with pytest.raises(LeaseLost):
            await storage.leases.acquire(LANE_A, X)

    async def test_an_action_that_another_process_has_can_not_be_given_back(
        self, storage: Storage, other: Storage
    ) -> None:
        await storage.journal.record(action(X), lane=LANE_A)
        with pytest.raises(LeaseLost):
            await other.journal.give_back(X)
        assert await orphans(other) == []

    async def test_the_poll_session_of_a_lost_process_is_taken_over_once(
        self, restart: Restart, storage: Storage, other: Storage
    ) -> None:
        await storage.journal.open_poll_session(NOW)
        await other.journal.open_poll_session(after(1))
        await lose(storage, other)
        assert await other.journal.abandoned_poll_session() == NOW
        assert await other.journal.abandoned_poll_session() is None
        async with (third := restart()).open():
            assert await third.journal.open_poll_session(after(LEASE + 2)) is None

    async def test_a_process_that_was_taken_for_lost_has_its_poll_session_again_with_its_heartbeat(
        self, storage: Storage, other: Storage
    ) -> None:
        await storage.journal.open_poll_session(NOW)
        await lose(storage, other)
        assert await other.journal.abandoned_poll_session() == NOW
        await storage.heartbeat(LEASE)
        assert await other.journal.abandoned_poll_session() is None
        await lose_again(storage, other)
        assert await other.journal.abandoned_poll_session() == NOW

    async def test_a_heartbeat_opens_no_poll_session_that_was_closed(self, storage: Storage, other: Storage) -> None:
        await storage.journal.open_poll_session(NOW)
        await storage.journal.close_poll_session()
        await storage.heartbeat(LEASE)
        await lose(storage, other)
        assert await other.journal.abandoned_poll_session() is None

    async def test_a_poll_session_that_was_closed_is_over_for_all(self, restart: Restart, storage: Storage) -> None:
        async with (ending := restart()).open():
            await ending.journal.open_poll_session(NOW)
            await ending.journal.close_poll_session()
        assert await storage.journal.abandoned_poll_session() is None
