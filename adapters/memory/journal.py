"""A journal that forgets everything at exit."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from application.catalog.secrecy import forget_capabilities, forget_content, is_same_command
from application.ports.clock import Clock
from domain.action_states import begin, check_transition, complete, undo_begin
from domain.actions import Action, ActionId, ActionState, JournalEntry, Step, StepName, StepResult
from domain.events import Outcome
from domain.outbox import Backlog, Lane, Lease


class MemoryJournal:
    """Implements Journal in dictionaries."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._unreported: dict[ActionId, JournalEntry] = {}
        self._dead_letters: dict[ActionId, JournalEntry] = {}
        self._reported: dict[ActionId, JournalEntry] = {}
        self._owned: set[ActionId] = set()
        self._positions: dict[ActionId, int] = {}
        """The order in which the actions were recorded or requeued."""
        self._next_position = count()
        self._since: dict[ActionId, float] = {}
        """The time at which an action was recorded, requeued or reported, in the clock's monotonic seconds."""
        self._polled_since: datetime | None = None

    def release_orphans(self) -> None:
        """Releases actions owned by a process that has exited."""
        self._owned.clear()

    async def open_poll_session(self, at: datetime | None = None) -> datetime | None:
        earlier, at = self._polled_since, at or self._clock.now()
        self._polled_since = earlier or at
        return earlier and min(at, earlier)

    async def close_poll_session(self) -> None:
        self._polled_since = None

    async def abandoned_poll_session(self) -> datetime | None:
        return None

    async def record(self, action: Action, *, lane: Lane, at: datetime | None = None) -> JournalEntry | None:
        del lane  # only the process itself executes the actions of a lane
        known = self._find(action.id)
        if known is not None and (
            known.state is not ActionState.REPORTED or is_same_command(known.action.command, action.command)
        ):
            return known
        self._reported.pop(action.id, None)
        self._unreported[action.id] = JournalEntry(action, at or self._clock.now())
        self._owned.add(action.id)
        self._wait(action.id)
        return None

    async def plan_steps(self, action_id: ActionId, names: Sequence[StepName]) -> None:
        entry = self._checked(action_id, "planned")
        if entry.steps and list(entry.steps) != list(dict.fromkeys(names)):
            raise ValueError(f"action {action_id} is planned already, otherwise")
        steps = entry.steps or {name: Step() for name in names}
        self._unreported[action_id] = replace(entry, state=ActionState.EXECUTING, steps=steps)

    async def begin_step(
        self, action_id: ActionId, name: StepName, lease: Lease, *, at: datetime | None = None
    ) -> datetime:
        del lease  # only this process can use the storage
        entry = self._checked(action_id, "begun")
        begun_at = at or self._clock.now()
        step = begin(entry.steps.get(name), begun_at)
        self._store_step(entry, name, step)
        return step.begun_at or begun_at

    async def undo_begin_step(self, action_id: ActionId, name: StepName, lease: Lease) -> None:
        del lease
        entry = self._checked(action_id, "retracted")
        self._store_step(entry, name, undo_begin(entry.steps.get(name)))

    async def complete_step(
        self, action_id: ActionId, name: StepName, lease: Lease, *, result: StepResult | None = None, error: str = ""
    ) -> None:
        del lease
        entry = self._checked(action_id, "settled")
        self._store_step(entry, name, complete(entry.steps.get(name), result, error))

    async def set_outcome(self, action_id: ActionId, outcome: Outcome) -> datetime:
        entry, completed_at = self._checked(action_id, "concluded"), self._clock.now()
        action = replace(entry.action, command=forget_content(entry.action.command))
        self._unreported[action_id] = replace(
            entry, action=action, state=ActionState.COMPLETED, outcome=outcome, completed_at=completed_at
        )
        return completed_at

    async def mark_reported(self, action_id: ActionId) -> None:
        self._close(self._checked(action_id, "finished"))

    async def dead_letter(self, action_id: ActionId, reason: str) -> None:
        entry = self._checked(action_id, "set aside")
        del self._unreported[action_id]
        self._owned.discard(action_id)
        self._dead_letters[action_id] = replace(entry, state=ActionState.DEAD_LETTERED, dead_letter_reason=reason)

    async def claim_orphans(self, limit: int) -> list[JournalEntry]:
        orphans = [entry for entry in self._oldest_first(self._unreported) if entry.action.id not in self._owned]
        self._owned.update(entry.action.id for entry in orphans[:limit])
        return orphans[:limit]

    async def give_back(self, action_id: ActionId) -> None:
        self._owned.discard(action_id)

    async def load(self, action_id: ActionId) -> JournalEntry | None:
        return self._find(action_id)

    async def backlog(self) -> Backlog:
        backlog = Backlog(len(self._unreported), len(self._dead_letters))
        oldest = min(self._unreported, key=self._positions.__getitem__, default=None)
        if oldest is None:
            return backlog
        waited_seconds = self._clock.monotonic() - self._since[oldest]
        return replace(backlog, oldest_at=self._unreported[oldest].taken_at, oldest_waited_seconds=waited_seconds)

    async def entries(self, *, dead_lettered: bool = False) -> AsyncIterator[JournalEntry]:
        for entry in self._oldest_first(self._dead_letters if dead_lettered else self._unreported):
            yield entry

    async def requeue(self, action_id: ActionId) -> bool:
        entry = self._dead_letters.pop(action_id, None)
        if entry is None:
            return False
        self._unreported[action_id] = replace(entry, state=ActionState.COMPLETED, dead_letter_reason="")
        self._wait(action_id)
        return True

    async def discard(self, action_id: ActionId) -> bool:
        entry = self._find(action_id)
        if entry is None or entry.state is ActionState.REPORTED or action_id in self._owned:
            return False
        self._close(entry)
        return True

    async def purge(self, older_than: timedelta) -> int:
        before = self._clock.monotonic() - older_than.total_seconds()
        purged = [action_id for action_id in self._reported if self._since[action_id] < before]
        for action_id in purged:
            del self._reported[action_id], self._positions[action_id], self._since[action_id]
        return len(purged)

    def _wait(self, action_id: ActionId) -> None:
        self._positions[action_id] = next(self._next_position)
        self._since[action_id] = self._clock.monotonic()

    def _find(self, action_id: ActionId) -> JournalEntry | None:
        return self._unreported.get(action_id) or self._dead_letters.get(action_id) or self._reported.get(action_id)

    def _checked(self, action_id: ActionId, transition: str) -> JournalEntry:
        entry = self._find(action_id)
        check_transition(action_id, transition, entry.state if entry else None)
        assert entry is not None  # noqa: S101 - check_transition has raised otherwise
        return entry

    def _store_step(self, entry: JournalEntry, name: StepName, step: Step) -> None:
        self._unreported[entry.action.id] = replace(
            entry, state=ActionState.EXECUTING, steps={**entry.steps, name: step}
        )

    def _close(self, entry: JournalEntry) -> None:
        self._unreported.pop(entry.action.id, None)
        self._dead_letters.pop(entry.action.id, None)
        self._owned.discard(entry.action.id)
        self._since[entry.action.id] = self._clock.monotonic()
        self._reported[entry.action.id] = replace(
            forget_capabilities(entry), state=ActionState.REPORTED, dead_letter_reason=""
        )

    def _oldest_first(self, entries: dict[ActionId, JournalEntry]) -> list[JournalEntry]:
        return sorted(entries.values(), key=lambda entry: self._positions[entry.action.id])
