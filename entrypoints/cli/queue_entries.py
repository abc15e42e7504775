"""Entries of the outbox and the journal in one form, for operators and scripts."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast

from adapters.serialization.command_inputs import command_input
from adapters.serialization.event_payloads import event_name, event_payload
from application.catalog.secrecy import hide_capabilities
from application.ports.journal import Journal
from application.ports.outbox import Outbox
from application.services.lanes import lane_of, lane_without_channel
from application.services.waits import Wait, Waits
from domain.actions import Action, ActionId, JournalEntry, Step, action_key
from domain.channels import NO_CHANNEL, ChannelId
from domain.commands import command_name
from domain.json_values import JsonObject
from domain.messages import Receipt
from domain.outbox import OutboxEntry


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A message on its way to Flyte, or an action taken from Flyte."""

    key: str
    """The key that operators see and type."""
    full_key: str
    """The storage's key."""
    channel: str
    """Empty when the entry concerns no channel or several."""
    since: datetime
    state: str
    reason: str
    """Why the entry was set aside; empty unless it was."""
    wait: Wait | None
    """The reason of its wait; None if it was set aside, or if the reason is unknown."""
    details: JsonObject
    """Everything that is known about the entry, message texts included."""


class QueueView:
    """The outbox or the journal, as an operator sees it."""

    def __init__(self, name: str, queue: Outbox | Journal, waits: Waits | None = None) -> None:
        """Without `waits`, entries do not say what they wait for."""
        self.name = name
        self._queue = queue
        self._waits = waits

    async def entries(self, *, set_aside: bool = False) -> AsyncIterator[QueueEntry]:
        """Yields the waiting entries, unless only those set aside are wanted, then those set aside; oldest first."""
        for aside in (True,) if set_aside else (False, True):
            async for entry in self._queue.entries(dead_lettered=aside):
                if isinstance(entry, OutboxEntry):
                    yield _message(entry, self._waits.of_message(entry) if self._waits else None)
                else:
                    yield _action(entry, self._waits.of_action(entry) if self._waits else None)

    async def find(self, keys: Sequence[str]) -> Mapping[str, QueueEntry]:
        """Returns the entries with these short or full keys, by the given key. Reads the queue once at most."""
        missing, found = set(keys), dict[str, QueueEntry]()
        entries = self.entries()
        while missing and (entry := await anext(entries, None)):
            known = missing & {entry.key, entry.full_key}
            found |= dict.fromkeys(known, entry)
            missing -= known
        return found

    async def requeue(self, entry: QueueEntry) -> bool:
        """Queues an entry that was set aside again. Returns False when it was not set aside."""
        return await self._queue.requeue(ActionId(entry.full_key))

    async def discard(self, entry: QueueEntry) -> bool:
        """Deletes an entry. Returns False when a pack is working on it."""
        return await self._queue.discard(ActionId(entry.full_key))


def _message(entry: OutboxEntry, wait: Wait | None) -> QueueEntry:
    details: JsonObject = {
        "key": entry.key,
        "state": "set aside" if entry.dead_letter_reason else "waiting",
        "receivedAt": entry.received_at.isoformat(),
        "refusals": entry.rejections,
        "firstRefusedAt": _format_time(entry.first_rejected_at),
        "setAsideBecause": entry.dead_letter_reason,
        "traceparent": entry.trace_parent,
        "said": hide_capabilities(cast("JsonObject", asdict(entry.event))),
    }
    rejected = "once" if entry.rejections == 1 else f"{entry.rejections} times"
    waiting = f"waiting, rejected {rejected}" if entry.rejections else "waiting"
    reason = entry.dead_letter_reason
    state = "set aside" if reason else waiting
    return QueueEntry(entry.key, entry.key, entry.event.channel_id, entry.received_at, state, reason, wait, details)


def _action(entry: JournalEntry, wait: Wait | None) -> QueueEntry:
    action_id, command, outcome = entry.action.id, entry.action.command, entry.outcome
    key = action_key(action_id)
    details: JsonObject = {
        "key": key,
        "id": action_id,
        "state": entry.state.value,
        "takenAt": entry.taken_at.isoformat(),
        "traceparent": entry.action.trace_parent,
        "command": command_name(command),
        "input": hide_capabilities(command_input(command)),
        "steps": {name: _step(step) for name, step in entry.steps.items()},
        "outcome": {"event": event_name(outcome), "payload": hide_capabilities(event_payload(outcome))}
        if outcome
        else None,
        "concludedAt": _format_time(entry.completed_at),
        "setAsideBecause": entry.dead_letter_reason,
    }
    state = f"{entry.state.value} {command_name(command)}"
    reason = entry.dead_letter_reason
    return QueueEntry(key, action_id, _channel(entry.action), entry.taken_at, state, reason, wait, details)


def _step(step: Step) -> JsonObject:
    return {
        "begunAt": _format_time(step.begun_at),
        "postedAs": step.result.timestamp if isinstance(step.result, Receipt) else None,
        "result": hide_capabilities(step.result) if isinstance(step.result, dict) else None,
        "error": step.error,
    }


def _channel(action: Action) -> ChannelId:
    lane = lane_of(action.id, action.command)
    return NO_CHANNEL if lane == lane_without_channel(action.id) else lane


def _format_time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
