"""The contract of what a storage keeps of traces."""

from dataclasses import replace

from domain.actions import ActionState
from entrypoints.testing.action_states import advance_to, loaded
from entrypoints.testing.storage_suite import Restart, StorageSuite
from entrypoints.testing.storage_values import LANE_A, LEASE, NOW, A, X, action, at, new_entry

TRACE_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class TracesContract(StorageSuite):
    async def test_the_trace_of_an_entry_goes_on_after_a_restart(self, restart: Restart) -> None:
        traced, untraced = replace(new_entry(A, 1), trace_parent=TRACE_PARENT), new_entry(A, 2)
        async with (storage := at(restart(), NOW)).open():
            await storage.outbox.append([traced, untraced])
        async with (storage := restart()).open():
            [claim] = await storage.outbox.claim(1, 2, LEASE)
            assert claim.entries == (traced, untraced)

    async def test_the_trace_of_a_dead_letter_goes_on_when_it_is_requeued(self, restart: Restart) -> None:
        traced = replace(new_entry(A, 1), trace_parent=TRACE_PARENT)
        async with (storage := at(restart(), NOW)).open():
            await storage.outbox.append([traced])
            [claim] = await storage.outbox.claim(1, 1, LEASE)
            await storage.outbox.dead_letter(claim, traced, "malformed")
            [dead_letter] = [entry async for entry in storage.outbox.entries(dead_lettered=True)]
            assert dead_letter.trace_parent == TRACE_PARENT
            await storage.outbox.requeue(traced.key)
            assert [entry async for entry in storage.outbox.entries()] == [traced]

    async def test_the_trace_of_an_action_goes_on_after_a_restart(self, restart: Restart) -> None:
        traced = replace(action(), trace_parent=TRACE_PARENT)
        async with (storage := at(restart(), NOW)).open():
            await storage.journal.record(traced, lane=LANE_A)
            await advance_to(storage, ActionState.COMPLETED)
        async with (storage := restart()).open():
            [orphan] = await storage.journal.claim_orphans(10)
            assert orphan.action == (await loaded(storage, X)).action == traced
