"""The behaviour of a storage as a simple model: lists that are searched from start to end."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.actions import Action, ActionId, ActionState, JournalEntry, Step, StepName
from domain.events import Outcome
from domain.outbox import Backlog, Lane, OutboxEntry

Claimed = tuple[Lane, list[str], bool]
"""The channel of a claim, the keys of its entries, and whether the previous lease expired."""


@dataclass(slots=True)
class ModelEntry:
    """A message and its claim."""

    entry: OutboxEntry
    since: float
    is_dead_lettered: bool = False
    claim_number: int = 0
    """The number of the claim that holds it, or 0."""
    is_in_doubt: bool = False
    """Whether it was first in a claim that expired."""


@dataclass(slots=True)
class OutboxModel:
    """The outbox, with seconds instead of datetimes."""

    entries: list[ModelEntry] = field(default_factory=list)
    acked: dict[str, float] = field(default_factory=dict)
    leases: dict[Lane, tuple[int, float]] = field(default_factory=dict)
    """By channel, the number of its claim and the end of the lease."""
    pauses: dict[Lane, float] = field(default_factory=dict)
    claim_count: int = 0
    latest: dict[Lane, int] = field(default_factory=dict)
    """By channel, the number of the latest claim, which alone may ack."""

    def find(self, key: str) -> ModelEntry | None:
        return next((waiting for waiting in self.entries if waiting.entry.key == key), None)

    def in_lane(self, lane: Lane) -> list[ModelEntry]:
        return [w for w in self.entries if w.entry.lane == lane and not w.is_dead_lettered]

    def append(self, entry: OutboxEntry, now: float) -> bool:
        if self.find(entry.key) or entry.key in self.acked:
            return False
        self.entries.append(ModelEntry(entry, now))
        return True

    def expire(self, lane: Lane) -> None:
        number, _ = self.leases.pop(lane)
        for position, waiting in enumerate(self.in_lane(lane)):
            if waiting.claim_number == number:
                waiting.is_in_doubt = waiting.is_in_doubt or position == 0
                waiting.claim_number = 0

    def claim(self, lanes: int, entries: int, now: float, lease: float) -> list[Claimed]:
        for lane in [lane for lane, (_, until) in self.leases.items() if until <= now]:
            self.expire(lane)
        self.pauses = {lane: until for lane, until in self.pauses.items() if until > now}
        heads: list[ModelEntry] = []
        for waiting in self.entries:
            lane = waiting.entry.lane
            is_first = not waiting.is_dead_lettered and self.in_lane(lane)[0] is waiting
            if is_first and lane not in self.leases and lane not in self.pauses:
                heads.append(waiting)
        claims = []
        for head in sorted(heads, key=lambda head: -head.entry.priority)[:lanes]:
            self.claim_count += 1
            lane = head.entry.lane
            self.latest[lane] = self.claim_count
            held = self.in_lane(lane)[:entries]
            for waiting in held:
                waiting.claim_number = self.claim_count
            self.leases[lane] = (self.claim_count, now + lease)
            claims.append((lane, [waiting.entry.key for waiting in held], head.is_in_doubt))
        return claims

    def ack(self, waiting: ModelEntry, now: float) -> None:
        self.entries.remove(waiting)
        self.acked[waiting.entry.key] = now
        self.end_pause_if_empty(waiting)

    def end_pause_if_empty(self, waiting: ModelEntry) -> None:
        if not self.in_lane(waiting.entry.lane):
            self.pauses.pop(waiting.entry.lane, None)

    def holds(self, lane: Lane, number: int) -> bool:
        return self.leases.get(lane, (0, 0.0))[0] == number

    def dead_letter(self, waiting: ModelEntry, reason: str) -> None:
        waiting.is_dead_lettered, waiting.claim_number, waiting.is_in_doubt = True, 0, False
        waiting.entry = replace(waiting.entry, dead_letter_reason=reason)
        self.end_pause_if_empty(waiting)

    def release(self, lane: Lane, pause: float | None, refused_at: datetime | None) -> None:
        number, _ = self.leases.pop(lane)
        held = [waiting for waiting in self.in_lane(lane) if waiting.claim_number == number]
        if refused_at is not None and held:
            entry = held[0].entry
            first_at = entry.first_rejected_at or refused_at
            held[0].entry = replace(entry, rejections=entry.rejections + 1, first_rejected_at=first_at)
        for waiting in held:
            waiting.claim_number = 0
        if pause is not None and self.in_lane(lane):
            self.pauses[lane] = pause

    def requeue(self, key: str, now: float) -> bool:
        waiting = self.find(key)
        if waiting is None or not waiting.is_dead_lettered:
            return False
        self.entries.remove(waiting)
        entry = replace(waiting.entry, rejections=0, first_rejected_at=None, dead_letter_reason="")
        self.entries.append(ModelEntry(entry, now))
        return True

    def backlog(self, now: float) -> Backlog:
        waiting = [w for w in self.entries if not w.is_dead_lettered]
        backlog = Backlog(len(waiting), len(self.entries) - len(waiting))
        if not waiting:
            return backlog
        oldest = waiting[0]
        return replace(backlog, oldest_at=oldest.entry.received_at, oldest_waited_seconds=now - oldest.since)

    def restart(self) -> None:
        for lane in list(self.leases):
            self.expire(lane)


@dataclass(slots=True)
class JournalModel:
    """The journal: one entry per action, in the order of recording or requeueing."""

    entries: dict[ActionId, JournalEntry] = field(default_factory=dict)
    since: dict[ActionId, float] = field(default_factory=dict)
    """When an action was recorded, requeued or reported."""
    held: set[ActionId] = field(default_factory=set)

    def record(self, action: Action, at: datetime, now: float) -> JournalEntry | None:
        known = self.entries.get(action.id)
        if known and (known.state is not ActionState.REPORTED or known.action == action):
            return known
        self.entries.pop(action.id, None)
        self.entries[action.id] = JournalEntry(action, at)
        self.since[action.id] = now
        self.held.add(action.id)
        return None

    def is_in(self, action_id: ActionId, *states: ActionState) -> bool:
        return action_id in self.entries and self.entries[action_id].state in states

    def plan_steps(self, action_id: ActionId, names: list[StepName]) -> bool:
        if not self.is_in(action_id, ActionState.TAKEN, ActionState.EXECUTING):
            return False
        steps = dict(self.entries[action_id].steps)
        if steps and list(steps) != names:
            return False
        self._change(action_id, state=ActionState.EXECUTING, steps=steps or dict.fromkeys(names, Step()))
        return True

    def begin_step(self, action_id: ActionId, name: StepName, at: datetime) -> bool:
        if not self.is_in(action_id, ActionState.TAKEN, ActionState.EXECUTING):
            return False
        steps = dict(self.entries[action_id].steps)
        step = steps.get(name, Step())
        if step.is_complete:
            return False
        steps[name] = Step(step.begun_at or at)
        self._change(action_id, state=ActionState.EXECUTING, steps=steps)
        return True

    def complete_step(self, action_id: ActionId, name: StepName, error: str) -> bool:
        if not self.is_in(action_id, ActionState.EXECUTING):
            return False
        steps = dict(self.entries[action_id].steps)
        step = steps.get(name)
        if step is None or step.error not in ("", error):
            return False
        steps[name] = Step(step.begun_at, error=error)
        self._change(action_id, steps=steps)
        return True

    def set_outcome(self, action_id: ActionId, outcome: Outcome, at: datetime) -> bool:
        if not self.is_in(action_id, ActionState.TAKEN, ActionState.EXECUTING):
            return False
        self._change(action_id, state=ActionState.COMPLETED, outcome=outcome, completed_at=at)
        return True

    def mark_reported(self, action_id: ActionId, now: float) -> bool:
        if not self.is_in(action_id, ActionState.COMPLETED):
            return False
        self.since[action_id] = now
        self._release(action_id, ActionState.REPORTED)
        return True

    def dead_letter(self, action_id: ActionId, reason: str) -> bool:
        if not self.is_in(action_id, ActionState.COMPLETED):
            return False
        self._release(action_id, ActionState.DEAD_LETTERED, reason)
        return True

    def requeue(self, action_id: ActionId, now: float) -> bool:
        if not self.is_in(action_id, ActionState.DEAD_LETTERED):
            return False
        self._release(action_id, ActionState.COMPLETED)
        self.entries[action_id] = self.entries.pop(action_id)
        self.since[action_id] = now
        return True

    def discard(self, action_id: ActionId, now: float) -> bool:
        if action_id in self.held or action_id not in self.entries or self.is_in(action_id, ActionState.REPORTED):
            return False
        self._release(action_id, ActionState.REPORTED)
        self.since[action_id] = now
        return True

    def claim_orphans(self, limit: int) -> list[JournalEntry]:
        adopted = [entry for entry in self.unfinished() if entry.action.id not in self.held][:limit]
        self.held |= {entry.action.id for entry in adopted}
        return adopted

    def purge(self, before: float) -> int:
        old = [
            action_id
            for action_id, entry in self.entries.items()
            if entry.state is ActionState.REPORTED and self.since[action_id] < before
        ]
        for action_id in old:
            del self.entries[action_id]
        return len(old)

    def unfinished(self) -> list[JournalEntry]:
        over = (ActionState.REPORTED, ActionState.DEAD_LETTERED)
        return [entry for entry in self.entries.values() if entry.state not in over]

    def backlog(self, now: float) -> Backlog:
        unfinished = self.unfinished()
        set_aside = sum(entry.state is ActionState.DEAD_LETTERED for entry in self.entries.values())
        backlog = Backlog(len(unfinished), set_aside)
        if not unfinished:
            return backlog
        oldest = unfinished[0]
        return replace(backlog, oldest_at=oldest.taken_at, oldest_waited_seconds=now - self.since[oldest.action.id])

    def _change(self, action_id: ActionId, **changes: object) -> None:
        self.entries[action_id] = replace(self.entries[action_id], **changes)  # type: ignore[arg-type] # whatever changes

    def _release(self, action_id: ActionId, state: ActionState, reason: str = "") -> None:
        self._change(action_id, state=state, dead_letter_reason=reason)
        self.held.discard(action_id)
