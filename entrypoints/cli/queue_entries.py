"""What the outbox and the journal keep, in one form for people and machines to look at."""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol, cast

from adapters.serialization.payloads import command_input, event_payload
from application.ports.journal import Journal
from application.ports.outbox import Outbox
from application.ports.storage import Storage
from domain.actions import ActionId, JournalEntry, Step
from domain.channels import ChannelId
from domain.commands import Command, JoinChannel, LeaveChannel, SendMessage, SendRichMessage, command_name
from domain.events import event_name
from domain.json_values import JsonObject
from domain.outbox import OutboxEntry


@dataclass(frozen=True, slots=True)
class Kept:
    """One entry."""

    key: str
    """By which people name it."""
    full_key: str
    """By which the storage does."""
    channel: str
    """Empty when it is about none, or about several."""
    since: datetime
    state: str
    reason: str
    """Why it was set aside; empty unless it was."""
    whole: JsonObject
    """All that is known of it, what was said included."""

    @property
    def names(self) -> tuple[str, str]:
        """The keys that it answers to."""
        return self.key, self.full_key


class Shelf(Protocol):
    """Where entries are kept."""

    def entries(self, *, set_aside: bool) -> AsyncIterator[Kept]:
        """Those that wait, or those set aside; oldest first."""

    async def revive(self, kept: Kept) -> bool:
        """Let what was set aside wait again. False when it was not set aside."""

    async def discard(self, kept: Kept) -> bool:
        """Drop it. False when somebody has it in hand."""


def of_outbox(storage: Storage) -> Shelf:
    """The messages on their way to Flyte."""
    return _OutboxShelf(storage.outbox)


def of_journal(storage: Storage) -> Shelf:
    """The actions in hand."""
    return _JournalShelf(storage.journal)


class _OutboxShelf:
    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def entries(self, *, set_aside: bool) -> AsyncIterator[Kept]:
        async for entry in self._outbox.entries(set_aside=set_aside):
            yield _message(entry)

    async def revive(self, kept: Kept) -> bool:
        return await self._outbox.requeue(kept.full_key)

    async def discard(self, kept: Kept) -> bool:
        return await self._outbox.discard(kept.full_key)


class _JournalShelf:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def entries(self, *, set_aside: bool) -> AsyncIterator[Kept]:
        async for entry in self._journal.entries(set_aside=set_aside):
            yield _action(entry)

    async def revive(self, kept: Kept) -> bool:
        return await self._journal.requeue(_id(kept))

    async def discard(self, kept: Kept) -> bool:
        return await self._journal.discard(_id(kept))


def _message(entry: OutboxEntry) -> Kept:
    said = entry.said
    whole: JsonObject = {
        "key": entry.key,
        "state": "set aside" if entry.dead_letter_reason else "waiting",
        "receivedAt": entry.received_at.isoformat(),
        "refusals": entry.rejections,
        "firstRefusedAt": entry.first_rejected_at.isoformat() if entry.first_rejected_at else None,
        "setAsideBecause": entry.dead_letter_reason,
        "said": cast("JsonObject", asdict(said)),
    }
    refused = f"waiting, refused {entry.rejections} times" if entry.rejections else "waiting"
    state = "set aside" if entry.dead_letter_reason else refused
    return Kept(entry.key, entry.key, said.channel_id, entry.received_at, state, entry.dead_letter_reason, whole)


def _action(entry: JournalEntry) -> Kept:
    command, outcome = entry.action.command, entry.outcome
    whole: JsonObject = {
        "key": _short(entry.action.id),
        "id": entry.action.id,
        "state": entry.state.value,
        "takenAt": entry.taken_at.isoformat(),
        "command": command_name(command),
        "input": command_input(command),
        "steps": {channel_id: _step(step) for channel_id, step in entry.steps.items()},
        "outcome": {"event": event_name(outcome), "payload": event_payload(outcome)} if outcome else None,
        "concludedAt": entry.completed_at.isoformat() if entry.completed_at else None,
        "setAsideBecause": entry.dead_letter_reason,
    }
    state = f"{entry.state.value} {command_name(command)}"
    key, full_key = _short(entry.action.id), entry.action.id
    return Kept(key, full_key, _channel(command), entry.taken_at, state, entry.dead_letter_reason, whole)


def _step(step: Step) -> JsonObject:
    receipt = step.receipt
    return {
        "begunAt": step.begun_at.isoformat() if step.begun_at else None,
        "postedAs": receipt.timestamp if receipt else None,
        "error": step.error,
    }


def _channel(command: Command) -> ChannelId:
    match command:
        case SendMessage(message) | SendRichMessage(message):
            return message.channel_id
        case JoinChannel(channel_id) | LeaveChannel(channel_id):
            return channel_id
        case _:
            return ChannelId("")


def _short(action_id: str) -> str:
    """The part of Flyte's result link by which Flyte itself names the action: the last but one."""
    return action_id.rstrip("/").rpartition("/")[0].rpartition("/")[2] or action_id


def _id(kept: Kept) -> ActionId:
    return ActionId(kept.full_key)
