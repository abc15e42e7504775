"""Single actions of the journal: reading them with their steps, and changing their rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from adapters.postgresql.session import Session
from adapters.postgresql.uptime import NOW
from adapters.sql.journal_rows import (
    Row,
    dump_step,
    load_dead_letter,
    load_entry,
    without_capabilities,
)
from domain.actions import JournalEntry, Step, StepName, action_key

log = structlog.get_logger()

ENTRIES = """SELECT place, id, state, taken_at, command, outcome, completed_at, reason, traceparent, step.*,
    owner, lane
    FROM flyte_slack.journal AS entry CROSS JOIN LATERAL (
        SELECT array_agg(name ORDER BY position), array_agg(begun_at ORDER BY position),
            array_agg(result ORDER BY position), array_agg(error ORDER BY position)
        FROM flyte_slack.steps WHERE action = entry.place
    ) AS step"""
"""Reads actions, each with its steps, in one statement."""

_ENTRY, _STEPS = slice(0, 9), slice(9, 13)
"""The columns of an action itself, and those of its steps."""


def entry_of(row: Sequence[Any]) -> JournalEntry:
    """Returns what a row of ENTRIES says. Raises Unreadable."""
    return load_entry(row[_ENTRY], _step_rows(row))


def dead_letter_of(row: Sequence[Any]) -> JournalEntry:
    """Returns what a row of ENTRIES says; a dead letter if it is unreadable."""
    return load_dead_letter(row[_ENTRY], _step_rows(row))


async def store_step(session: Session, place: int, name: StepName, step: Step) -> None:
    """Stores a step that is known already."""
    await session.send(
        "UPDATE flyte_slack.steps SET begun_at = %s, result = %s, error = %s WHERE action = %s AND name = %s",
        (*dump_step(step), place, name),
    )


async def finish(session: Session, row: Sequence[Any]) -> None:
    """Marks an action as reported, and forgets its capabilities."""
    place = row[0]
    forgetting, remainder = "", without_capabilities(row[_ENTRY], _step_rows(row))
    values: list[str | None] = []
    if remainder:
        forgetting, values = "command = %s, outcome = %s, ", [remainder.command, remainder.outcome]
        await _keep_steps(session, row, remainder.steps)
    await session.send(
        f"UPDATE flyte_slack.journal SET {forgetting} state = 'finished', reason = '', uptime = {NOW} WHERE place = %s",
        (*values, place),
    )


async def set_unreadable_aside(session: Session, row: Sequence[Any], problem: str) -> None:
    """Makes a row a dead letter that operators can list, show and discard."""
    place, action_id, *_ = row
    await session.send(
        "UPDATE flyte_slack.journal SET state = 'set aside', reason = %s WHERE place = %s",
        (f"unreadable: {problem}", place),
    )
    log.error("unreadable_set_aside", queue="journal", ref=action_key(action_id), reason=problem)


async def _keep_steps(session: Session, row: Sequence[Any], steps: Mapping[StepName, Step]) -> None:
    """Stores what is left of the steps, none or all of them."""
    place, stored = row[0], _step_rows(row)
    if stored and not steps:
        await session.send("DELETE FROM flyte_slack.steps WHERE action = %s", (place,))
    for name, *columns in stored:
        if name in steps and dump_step(steps[name]) != tuple(columns):
            await store_step(session, place, name, steps[name])


def _step_rows(row: Sequence[Any]) -> list[Row]:
    """Returns the rows of the steps, of which ENTRIES has a column each."""
    return list(zip(*(column or () for column in row[_STEPS]), strict=True))
