"""The rows of a journal: an action's own, and one for each of its steps.

A journal row is `place, id, state, taken_at, command, outcome, completed_at, reason, traceparent`; a step row is `name,
begun_at, result, error`, in the order of the plan. Times are microseconds since 1970.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from adapters.sql.codec import (
    Unreadable,
    dump_action_command,
    dump_outcome,
    dump_step_result,
    from_micros,
    is_time,
    load_action_command,
    load_outcome,
    load_step_result,
    optional_from_micros,
    optional_text,
    optional_to_micros,
    text,
)
from application.catalog.secrecy import CAPABILITIES, CONTENTS, forget_capabilities, forget_content
from domain.actions import Action, ActionId, ActionState, JournalEntry, Step, StepName
from domain.commands import UnreadableCommand

Row: TypeAlias = Sequence[Any]

UNFINISHED = "state IN ('taken', 'executing', 'concluded')"
"""Used alike in indexes and queries: a partial index is matched by its wording."""


def resumed_state(steps: str) -> str:
    """Returns the SQL expression for the state in which a dead letter is resumed, given the name of the steps' table.

    Only an action that was unreadable, and is readable again, can have no outcome.
    """
    return f"""CASE
        WHEN outcome IS NOT NULL THEN 'concluded'
        WHEN EXISTS (SELECT 1 FROM {steps} WHERE action = place) THEN 'executing'
        ELSE 'taken' END"""


def load_entry(row: Row, step_rows: Iterable[Row]) -> JournalEntry:
    """Raises Unreadable."""
    _, action_id, state, taken_at, command, outcome, completed_at, reason, trace_parent = row
    entry = JournalEntry(
        Action(ActionId(text(action_id)), load_action_command(command), optional_text(trace_parent)),
        from_micros(taken_at),
        _state(state),
        {StepName(text(name)): load_step(rest) for name, *rest in step_rows},
        load_outcome(outcome),
        optional_from_micros(completed_at),
        text(reason),
    )
    if entry.state is ActionState.COMPLETED and (entry.outcome is None or entry.completed_at is None):
        raise Unreadable("its outcome is missing")
    return entry


def load_dead_letter(row: Row, step_rows: Iterable[Row]) -> JournalEntry:
    """Returns a dead letter. The command of an unreadable one says only that it is unreadable."""
    try:
        return load_entry(row, step_rows)
    except Unreadable as error:
        place, action_id, _, taken_at, *_, reason, _ = row
        action = Action(
            ActionId(action_id if isinstance(action_id, str) else unreadable_id(place)),
            UnreadableCommand("unreadable", str(error)),
        )
        return JournalEntry(
            action,
            from_micros(taken_at if is_time(taken_at) else 0),
            ActionState.DEAD_LETTERED,
            dead_letter_reason=reason if isinstance(reason, str) and reason else f"unreadable: {error}",
        )


def unreadable_id(place: int) -> str:
    """Returns the id under which operators find an action whose own is unreadable."""
    return f"unreadable:{place}"


def load_step(row: Row) -> Step:
    """Returns the step of a row without its name. Raises Unreadable."""
    begun_at, result, error = row
    return Step(optional_from_micros(begun_at), load_step_result(result), text(error))


def dump_step(step: Step) -> tuple[int | None, str | None, str]:
    """Inverts `load_step`."""
    return optional_to_micros(step.begun_at), dump_step_result(step.result), step.error


def without_content(command: str) -> str | None:
    """Returns the stored command without the content of a file. None if there is none, or the command is damaged."""
    if not _has_key(CONTENTS, command):
        return None
    try:
        known = load_action_command(command)
    except Unreadable:  # it was damaged while the action was executed
        return None
    remaining = forget_content(known)
    return None if remaining == known else dump_action_command(remaining)


@dataclass(frozen=True, slots=True)
class Remainder:
    """The remains of an action that was reported or discarded. An unreadable one keeps nothing."""

    command: str = ""
    outcome: str | None = None
    steps: Mapping[StepName, Step] = field(default_factory=dict)
    """Other steps are forgotten."""


def without_capabilities(row: Row, step_rows: Iterable[Row]) -> Remainder | None:
    """Returns what remains of an action once its capabilities are forgotten; None if it has none."""
    _, _, state, _, command, outcome, *_ = row
    steps = list(step_rows)
    stored = (command, outcome, *(result for _, _, result, _ in steps))
    if state == ActionState.COMPLETED.value and not _has_key(CAPABILITIES, *stored):
        return None  # almost always, and without reading all of it
    try:
        entry = load_entry(row, steps)
    except Unreadable:  # a dead letter that is discarded
        return Remainder()
    remaining = forget_capabilities(entry)
    if remaining == entry:
        return None
    outcome = dump_outcome(remaining.outcome) if remaining.outcome else None
    return Remainder(dump_action_command(remaining.action.command), outcome, remaining.steps)


def _has_key(keys: Iterable[str], *stored: object) -> bool:
    """Whether one of the keys may be in these JSON texts; texts that are damaged are not looked at."""
    texts = [text for text in stored if isinstance(text, str)]
    return any(f'"{key}"' in text for key in keys for text in texts)


def _state(stored: object) -> ActionState:
    try:
        return ActionState(stored)
    except ValueError as error:
        raise Unreadable("its state is unknown") from error
