"""The state machine of actions and steps, shared by every storage."""

from dataclasses import replace
from datetime import datetime

from domain.actions import ActionId, ActionState, Step, StepResult

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
"""The states from which each transition is allowed."""


def check_transition(action_id: ActionId, transition: str, state: ActionState | None) -> None:
    """Raises ValueError unless an action in `state` (None: unknown) may make the transition, a key of ALLOWED_FROM."""
    if state is None:
        raise ValueError(f"action {action_id} can't be {transition}: it is not known")
    if state not in ALLOWED_FROM[transition]:
        raise ValueError(f"action {action_id} can't be {transition}: it is {state.value}")


def begin(step: Step | None, at: datetime) -> Step:
    """Returns the step as begun; a step that has begun keeps its time. Raises ValueError if it is complete."""
    if step is None or step.begun_at is None:
        step = replace(step or Step(), begun_at=at)
    if step.is_complete:
        raise ValueError("a step that is settled can't begin again")
    return step


def undo_begin(step: Step | None) -> Step:
    """Returns the step as not begun. Raises ValueError if there is no such step or it is complete."""
    if step is None or step.is_complete:
        raise ValueError("only a step whose end is open can be retracted")
    return replace(step, begun_at=None)


def complete(step: Step | None, result: StepResult | None, error: str) -> Step:
    """Returns the completed step. Raises ValueError if it is unknown or already completed differently."""
    if step is None:
        raise ValueError("a step that was neither planned nor begun can't be settled")
    if result is None and not error:
        raise ValueError("a step is settled by a result or an error")
    if step.is_complete and (step.result, step.error) != (result, error):
        raise ValueError("a step that is settled can't be settled otherwise")
    return replace(step, result=result, error=error)
