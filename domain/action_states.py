"""Which way an action's state may go, for every storage alike."""

from dataclasses import replace
from datetime import datetime

from domain.actions import ActionId, ActionState, Step

_IN_PROGRESS = frozenset({ActionState.TAKEN, ActionState.EXECUTING})

ALLOWED_FROM = {
    "planned": _IN_PROGRESS,
    "begun": _IN_PROGRESS,
    "retracted": frozenset({ActionState.EXECUTING}),
    "settled": frozenset({ActionState.EXECUTING}),
    "concluded": _IN_PROGRESS,
    "finished": frozenset({ActionState.COMPLETED}),
    "set aside": frozenset({ActionState.COMPLETED}),
}
"""For each thing that can be done to an action: the states in which it can be."""


def check_transition(action_id: ActionId, transition: str, state: ActionState | None) -> None:
    """ValueError when an action in this state (None: unknown) can't be `deed`, one of the keys of FROM."""
    if state is None:
        raise ValueError(f"action {action_id} can't be {transition}: it is not known")
    if state not in ALLOWED_FROM[transition]:
        raise ValueError(f"action {action_id} can't be {transition}: it is {state.value}")


def begun(known: Step | None, at: datetime) -> Step:
    """The step once its first request goes out. ValueError when it is over already: it must not go out again."""
    if known is None or known.begun_at is None:
        known = replace(known or Step(), begun_at=at)
    if known.is_complete:
        raise ValueError("a step that is settled can't begin again")
    return known


def retracted(known: Step | None) -> Step:
    """The step as if it had not begun. ValueError when there is no such step, or its end is known."""
    if known is None or known.is_complete:
        raise ValueError("only a step whose end is open can be retracted")
    return replace(known, begun_at=None)


def settled(known: Step | None, end: Step) -> Step:
    """The step with its end noted. ValueError when there is no such step, it ended otherwise, or this is no end."""
    if known is None:
        raise ValueError("a step that was neither planned nor begun can't be settled")
    if not end.is_complete:
        raise ValueError("a step is settled by a receipt or an error")
    if known.is_complete and (known.receipt, known.error) != (end.receipt, end.error):
        raise ValueError("a step that is settled can't be settled otherwise")
    return replace(end, begun_at=known.begun_at or end.begun_at)
