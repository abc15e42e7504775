"""A storage with something of everything in it, and all that can be seen of it."""

from dataclasses import replace
from datetime import timedelta

from application.ports.storage import Storage
from domain.actions import ActionId, ActionState
from domain.channels import ChannelId
from domain.events import BroadcastSent
from domain.gaps import Gap
from domain.outbox import Claim, Lane, Lease, OutboxEntry
from entrypoints.testing.storage_values import (
    LANE_A,
    LANE_B,
    LANE_C,
    LEASE,
    NOW,
    RECEIPT,
    STEP_A,
    STEP_B,
    A,
    B,
    C,
    action,
    after,
    at,
    held,
    new_click,
    new_entry,
)
from entrypoints.testing.traces_contract import TRACE_PARENT

_D = ChannelId("C\0D \U0001f4ac")
_STATES = {state: ActionId(f"{state.value}\0") for state in ActionState}


async def fill(storage: Storage) -> None:
    """Stores something of everything, at NOW and after. The storage is open."""
    await _fill_outbox(at(storage, NOW))
    await _fill_journal(storage)
    await at(storage, after(20)).message_keys.bind(A, "status\0", "1700000000.000100")
    await storage.message_keys.reserve(B, "alarm", after(3))
    for channel_id in (C, A, B, _D):
        await storage.channels.join(channel_id, since=after(4))
    await storage.channels.leave(B)
    await storage.channels.set_unjoined_memberships(frozenset({B, _D}))
    await storage.gaps.add([Gap(A, NOW, after(5)), Gap(A, after(7), after(9)), Gap(_D, NOW, after(1))])
    for _ in range(3):
        await storage.rate_limiter.reserve(A, 0.1, 1)
    await storage.rate_limiter.pause("chat.postMessage", 600)
    await storage.rate_limiter.note_steady(after(6))


async def contents(storage: Storage) -> list[object]:
    """Returns all that can be seen of the storage. It is open, and filled; this changes it."""
    channels, journal, outbox, keys = storage.channels, storage.journal, storage.outbox, storage.message_keys
    everywhere = (A, B, C, _D)
    return [
        [entry async for entry in outbox.entries()],
        [entry async for entry in outbox.entries(dead_lettered=True)],
        await outbox.backlog(),
        [entry async for entry in journal.entries()],
        [entry async for entry in journal.entries(dead_lettered=True)],
        [await journal.load(action_id) for action_id in _STATES.values()],
        await journal.backlog(),
        await keys.find(A, "status\0"),
        await keys.find(B, "alarm"),
        await keys.purge(timedelta(seconds=10)),
        await channels.joined(),
        [await channels.was_joined(channel_id) for channel_id in everywhere],
        [await channels.last_message_at(channel_id) for channel_id in everywhere],
        await channels.unjoined_memberships(),
        sorted(await storage.gaps.pending(), key=lambda gap: (gap.channel_id, gap.after)),
        await storage.rate_limiter.paused(),
        await storage.rate_limiter.steady_at(),
        await storage.rate_limiter.reserve(A, 0.1, 1),
        await outbox.append([new_entry(A, 1), new_entry(A, 2), new_entry(C, 1), new_entry(C, 9)]),
        await outbox.next_due_seconds(),
        [_without_token(claim) for claim in await outbox.claim(10, 10, LEASE)],
        await journal.claim_orphans(10),
        await journal.open_poll_session(after(100)),
        await outbox.purge(timedelta(seconds=15)),
        await journal.purge(timedelta(seconds=15)),
    ]


def _traced(number: int) -> OutboxEntry:
    return replace(new_entry(A, number), trace_parent=TRACE_PARENT)


def _without_token(claim: Claim) -> Claim:
    return replace(claim, lease=Lease(claim.lane, 0))


async def _fill_outbox(storage: Storage) -> None:
    """A click stays claimed, as if its process had been killed."""
    outbox = storage.outbox
    await outbox.append([new_entry(A, 1), new_entry(B, 1), _traced(2), replace(new_entry(A, 3), is_backfilled=True)])
    await outbox.append([new_entry(C, 1), new_click(4), new_entry(_D, 1), new_entry(_D, 2)])
    for claim in await outbox.claim(10, 10, LEASE):
        if claim.lane == LANE_A:
            await outbox.ack(claim, claim.entries[0])
            await at(storage, after(2)).outbox.release(claim, rejected=True)
        elif claim.lane == LANE_B:
            await outbox.release(claim, retry_after_seconds=90)
        elif claim.lane == LANE_C:
            await outbox.dead_letter(claim, claim.entries[0], "the engine said 400\0")
        elif claim.lane == Lane(_D):
            await outbox.release(claim)
    await at(storage, after(20)).outbox.discard(new_entry(_D, 2).key)


async def _fill_journal(storage: Storage) -> None:
    journal = at(storage, after(8)).journal
    await journal.open_poll_session(after(8))
    for state, action_id in reversed(_STATES.items()):
        await journal.record(replace(action(action_id), trace_parent=TRACE_PARENT), lane=LANE_A)
        if state is not ActionState.TAKEN:
            await journal.plan_steps(action_id, [STEP_B, STEP_A])
            await journal.begin_step(action_id, STEP_A, await held(storage))
            await journal.complete_step(action_id, STEP_A, await held(storage), result=RECEIPT)
        if state not in (ActionState.TAKEN, ActionState.EXECUTING):
            await journal.set_outcome(action_id, BroadcastSent("hello", (A,)))
        if state is ActionState.REPORTED:
            await journal.mark_reported(action_id)
        if state is ActionState.DEAD_LETTERED:
            await journal.dead_letter(action_id, "the engine said 500")
