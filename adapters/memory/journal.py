"""A journal that forgets everything at exit."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from domain.action_states import begun, check_transition, retracted, settled
from domain.actions import Action, ActionId, ActionState, JournalEntry, Step
from domain.channels import ChannelId
from domain.events import Outcome
from domain.outbox import Backlog


class MemoryJournal:
    """The journal port in dictionaries."""

    def __init__(self) -> None:
        self._unfinished: dict[ActionId, JournalEntry] = {}
        self._set_aside: dict[ActionId, JournalEntry] = {}
        self._finished: dict[ActionId, JournalEntry] = {}
        self._in_hand: set[ActionId] = set()
        self._places: dict[ActionId, int] = {}
        """The order of taking, for actions taken at one moment."""
        self._next_place = count()
        self._taking_since: datetime | None = None

    def release_orphans(self) -> None:
        """The process whose hands the actions were in is no more."""
        self._in_hand.clear()

    async def open_poll_session(self, at: datetime) -> datetime | None:
        earlier = self._taking_since
        self._taking_since = earlier or at
        return earlier

    async def close_poll_session(self) -> None:
        self._taking_since = None

    async def record(self, action: Action, at: datetime) -> JournalEntry | None:
        known = self._known(action.id)
        if known is not None and (known.action == action or known.state is not ActionState.REPORTED):
            return known
        self._finished.pop(action.id, None)
        self._unfinished[action.id] = JournalEntry(action, at)
        self._in_hand.add(action.id)
        self._places[action.id] = next(self._next_place)
        return None

    async def plan_steps(self, action_id: ActionId, channel_ids: Sequence[ChannelId]) -> None:
        entry = self._checked(action_id, "planned")
        if entry.steps and list(entry.steps) != list(dict.fromkeys(channel_ids)):
            raise ValueError(f"action {action_id} is planned already, otherwise")
        steps = entry.steps or {channel_id: Step() for channel_id in channel_ids}
        self._unfinished[action_id] = replace(entry, state=ActionState.EXECUTING, steps=steps)

    async def begin_step(self, action_id: ActionId, channel_id: ChannelId, at: datetime) -> None:
        entry = self._checked(action_id, "begun")
        step = begun(entry.steps.get(channel_id), at)
        self._note_step(entry, channel_id, step)

    async def undo_begin_step(self, action_id: ActionId, channel_id: ChannelId) -> None:
        entry = self._checked(action_id, "retracted")
        self._note_step(entry, channel_id, retracted(entry.steps.get(channel_id)))

    async def complete_step(self, action_id: ActionId, channel_id: ChannelId, step: Step) -> None:
        entry = self._checked(action_id, "settled")
        self._note_step(entry, channel_id, settled(entry.steps.get(channel_id), step))

    async def set_outcome(self, action_id: ActionId, outcome: Outcome, at: datetime) -> None:
        entry = self._checked(action_id, "concluded")
        self._unfinished[action_id] = replace(entry, state=ActionState.COMPLETED, outcome=outcome, completed_at=at)

    async def mark_reported(self, action_id: ActionId) -> None:
        self._finish(self._checked(action_id, "finished"))

    async def dead_letter(self, action_id: ActionId, reason: str) -> None:
        entry = self._checked(action_id, "set aside")
        del self._unfinished[action_id]
        self._in_hand.discard(action_id)
        self._set_aside[action_id] = replace(entry, state=ActionState.DEAD_LETTERED, dead_letter_reason=reason)

    async def claim_orphans(self, limit: int) -> list[JournalEntry]:
        orphans = [entry for entry in self._oldest_first(self._unfinished) if entry.action.id not in self._in_hand]
        self._in_hand.update(entry.action.id for entry in orphans[:limit])
        return orphans[:limit]

    async def load(self, action_id: ActionId) -> JournalEntry | None:
        return self._known(action_id)

    async def backlog(self) -> Backlog:
        oldest_at = min((entry.taken_at for entry in self._unfinished.values()), default=None)
        return Backlog(len(self._unfinished), len(self._set_aside), oldest_at)

    async def entries(self, *, set_aside: bool = False) -> AsyncIterator[JournalEntry]:
        for entry in self._oldest_first(self._set_aside if set_aside else self._unfinished):
            yield entry

    async def requeue(self, action_id: ActionId) -> bool:
        entry = self._set_aside.pop(action_id, None)
        if entry is None:
            return False
        self._unfinished[action_id] = replace(entry, state=ActionState.COMPLETED, dead_letter_reason="")
        return True

    async def discard(self, action_id: ActionId) -> bool:
        entry = self._known(action_id)
        if entry is None or entry.state is ActionState.REPORTED or action_id in self._in_hand:
            return False
        self._finish(entry)
        return True

    async def purge(self, before: datetime) -> int:
        forgotten = [entry.action.id for entry in self._finished.values() if entry.taken_at < before]
        for action_id in forgotten:
            del self._finished[action_id], self._places[action_id]
        return len(forgotten)

    def _known(self, action_id: ActionId) -> JournalEntry | None:
        return self._unfinished.get(action_id) or self._set_aside.get(action_id) or self._finished.get(action_id)

    def _checked(self, action_id: ActionId, deed: str) -> JournalEntry:
        entry = self._known(action_id)
        check_transition(action_id, deed, entry.state if entry else None)
        assert entry is not None  # noqa: S101 - the check has seen to it
        return entry

    def _note_step(self, entry: JournalEntry, channel_id: ChannelId, step: Step) -> None:
        self._unfinished[entry.action.id] = replace(
            entry, state=ActionState.EXECUTING, steps={**entry.steps, channel_id: step}
        )

    def _finish(self, entry: JournalEntry) -> None:
        self._unfinished.pop(entry.action.id, None)
        self._set_aside.pop(entry.action.id, None)
        self._in_hand.discard(entry.action.id)
        self._finished[entry.action.id] = replace(entry, state=ActionState.REPORTED, dead_letter_reason="")

    def _oldest_first(self, entries: dict[ActionId, JournalEntry]) -> list[JournalEntry]:
        return sorted(entries.values(), key=lambda entry: (entry.taken_at, self._places[entry.action.id]))
