"""Actions in each state of the journal, and the transitions between them."""

from collections.abc import Awaitable, Callable

from application.ports.storage import Storage
from domain.actions import ActionId, ActionState, JournalEntry
from domain.events import BroadcastSent, ChannelJoined
from entrypoints.testing.storage_values import LANE_A, NOW, STEP_A, A, B, X, action, after, at, held

SENT = BroadcastSent("hello", (A,))


async def loaded(storage: Storage, action_id: ActionId = X) -> JournalEntry:
    entry = await storage.journal.load(action_id)
    assert entry is not None
    return entry


async def advance_to(storage: Storage, state: ActionState, action_id: ActionId = X) -> None:
    """Records the action and takes it to this state by the shortest path."""
    journal = at(storage, NOW).journal
    await journal.record(action(action_id), lane=LANE_A)
    if state is ActionState.EXECUTING:
        await journal.begin_step(action_id, STEP_A, await held(storage))
    elif state is not ActionState.TAKEN:
        await journal.set_outcome(action_id, SENT)
    if state is ActionState.REPORTED:
        await journal.mark_reported(action_id)
    elif state is ActionState.DEAD_LETTERED:
        await journal.dead_letter(action_id, "the engine said 500")


async def _begin_step(storage: Storage) -> None:
    await at(storage, after(9)).journal.begin_step(X, STEP_A, await held(storage))


async def _undo_begin_step(storage: Storage) -> None:
    await storage.journal.undo_begin_step(X, STEP_A, await held(storage))


async def _complete_step(storage: Storage) -> None:
    await storage.journal.complete_step(X, STEP_A, await held(storage), error="no")


TRANSITIONS: dict[str, Callable[[Storage], Awaitable[object]]] = {
    "plan_steps": lambda storage: storage.journal.plan_steps(X, [STEP_A]),
    "begin_step": _begin_step,
    "undo_begin_step": _undo_begin_step,
    "complete_step": _complete_step,
    "set_outcome": lambda storage: at(storage, after(9)).journal.set_outcome(X, ChannelJoined(B)),
    "mark_reported": lambda storage: storage.journal.mark_reported(X),
    "dead_letter": lambda storage: storage.journal.dead_letter(X, "again"),
}
ALLOWED = {
    ActionState.TAKEN: {"plan_steps", "begin_step", "set_outcome"},
    ActionState.EXECUTING: {"plan_steps", "begin_step", "undo_begin_step", "complete_step", "set_outcome"},
    ActionState.COMPLETED: {"mark_reported", "dead_letter"},
    ActionState.REPORTED: set[str](),
    ActionState.DEAD_LETTERED: set[str](),
}
FORBIDDEN = [(state, name) for state in ActionState for name in TRANSITIONS if name not in ALLOWED[state]]
