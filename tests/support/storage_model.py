"""What a storage has to do, written down as plainly as possible: lists that are searched from one end to the other."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.actions import Action, ActionId, ActionState, JournalEntry, Step
from domain.channels import ChannelId
from domain.events import Outcome
from domain.outbox import Backlog, OutboxEntry
from tests.contracts.storage_values import after

Claimed = tuple[ChannelId, list[str], bool]
"""A claim's channel, its entries' keys, and whether an earlier one was interrupted."""


@dataclass(slots=True)
class Waiting:
    """One message, and who has it until when."""

    entry: OutboxEntry
    is_set_aside: bool = False
    held: int = 0
    """The number of the claim that holds it; 0: none."""
    is_doubtful: bool = False
    """An interrupted claim held it."""


@dataclass(slots=True)
class OutboxModel:
    """The outbox: seconds instead of times."""

    waiting: list[Waiting] = field(default_factory=list)
    done: dict[str, datetime] = field(default_factory=dict)
    leases: dict[ChannelId, tuple[int, float]] = field(default_factory=dict)
    """The number of the claim on a channel, and until when it holds."""
    pauses: dict[ChannelId, float] = field(default_factory=dict)
    claims: int = 0

    def find(self, key: str) -> Waiting | None:
        return next((waiting for waiting in self.waiting if waiting.entry.key == key), None)

    def lane(self, channel_id: ChannelId) -> list[Waiting]:
        return [w for w in self.waiting if w.entry.said.channel_id == channel_id and not w.is_set_aside]

    def append(self, entry: OutboxEntry) -> bool:
        if self.find(entry.key) or entry.key in self.done:
            return False
        self.waiting.append(Waiting(entry))
        return True

    def interrupt(self, channel_id: ChannelId) -> None:
        number, _ = self.leases.pop(channel_id)
        lane = self.lane(channel_id)
        for position, waiting in enumerate(lane):
            if waiting.held == number:
                waiting.is_doubtful = waiting.is_doubtful or position == 0
                waiting.held = 0

    def claim(self, channels: int, entries: int, now: float, lease: float) -> list[Claimed]:
        for channel_id in [channel_id for channel_id, (_, until) in self.leases.items() if until <= now]:
            self.interrupt(channel_id)
        self.pauses = {channel_id: until for channel_id, until in self.pauses.items() if until > now}
        heads: list[Waiting] = []
        for waiting in self.waiting:
            channel_id = waiting.entry.said.channel_id
            is_first = not waiting.is_set_aside and self.lane(channel_id)[0] is waiting
            if is_first and channel_id not in self.leases and channel_id not in self.pauses:
                heads.append(waiting)
        heads.sort(key=lambda head: head.entry.received_at)
        claims = []
        for head in heads[:channels]:
            self.claims += 1
            channel_id = head.entry.said.channel_id
            held = self.lane(channel_id)[:entries]
            for waiting in held:
                waiting.held = self.claims
            self.leases[channel_id] = (self.claims, now + lease)
            claims.append((channel_id, [waiting.entry.key for waiting in held], head.is_doubtful))
        return claims

    def finish(self, waiting: Waiting) -> None:
        self.waiting.remove(waiting)
        self.done[waiting.entry.key] = waiting.entry.received_at
        self.settle_pause(waiting)

    def settle_pause(self, waiting: Waiting) -> None:
        if not self.lane(waiting.entry.said.channel_id):
            self.pauses.pop(waiting.entry.said.channel_id, None)

    def holds(self, channel_id: ChannelId, number: int) -> bool:
        return self.leases.get(channel_id, (0, 0.0))[0] == number

    def set_aside(self, waiting: Waiting, reason: str) -> None:
        waiting.is_set_aside, waiting.held, waiting.is_doubtful = True, 0, False
        waiting.entry = replace(waiting.entry, dead_letter_reason=reason)
        self.settle_pause(waiting)

    def give_back(self, channel_id: ChannelId, pause: float | None, refused_after: float | None) -> None:
        number, _ = self.leases.pop(channel_id)
        held = [waiting for waiting in self.lane(channel_id) if waiting.held == number]
        if refused_after is not None and held:
            entry = held[0].entry
            first_at = entry.first_rejected_at or after(refused_after)
            held[0].entry = replace(entry, rejections=entry.rejections + 1, first_rejected_at=first_at)
        for waiting in held:
            waiting.held = 0
        if pause is not None and self.lane(channel_id):
            self.pauses[channel_id] = pause

    def revive(self, key: str) -> bool:
        waiting = self.find(key)
        if waiting is None or not waiting.is_set_aside:
            return False
        self.waiting.remove(waiting)
        self.waiting.append(
            Waiting(replace(waiting.entry, rejections=0, first_rejected_at=None, dead_letter_reason=""))
        )
        return True

    def depth(self) -> Backlog:
        waiting = [w.entry.received_at for w in self.waiting if not w.is_set_aside]
        return Backlog(len(waiting), len(self.waiting) - len(waiting), min(waiting, default=None))

    def restart(self) -> None:
        for channel_id in list(self.leases):
            self.interrupt(channel_id)


@dataclass(slots=True)
class JournalModel:
    """The journal: for each action what is known of it, in the order of taking."""

    known: dict[ActionId, JournalEntry] = field(default_factory=dict)
    in_hand: set[ActionId] = field(default_factory=set)

    def take_in(self, action: Action, at: datetime) -> JournalEntry | None:
        known = self.known.get(action.id)
        if known and (known.state is not ActionState.REPORTED or known.action == action):
            return known
        self.known.pop(action.id, None)
        self.known[action.id] = JournalEntry(action, at)
        self.in_hand.add(action.id)
        return None

    def is_in(self, action_id: ActionId, *states: ActionState) -> bool:
        return action_id in self.known and self.known[action_id].state in states

    def plan(self, action_id: ActionId, channel_ids: list[ChannelId]) -> bool:
        if not self.is_in(action_id, ActionState.TAKEN, ActionState.EXECUTING):
            return False
        steps = dict(self.known[action_id].steps)
        if steps and list(steps) != channel_ids:
            return False
        self._change(action_id, state=ActionState.EXECUTING, steps=steps or dict.fromkeys(channel_ids, Step()))
        return True

    def begin(self, action_id: ActionId, channel_id: ChannelId, at: datetime) -> bool:
        if not self.is_in(action_id, ActionState.TAKEN, ActionState.EXECUTING):
            return False
        steps = dict(self.known[action_id].steps)
        step = steps.get(channel_id, Step())
        if step.is_complete:
            return False
        steps[channel_id] = Step(step.begun_at or at)
        self._change(action_id, state=ActionState.EXECUTING, steps=steps)
        return True

    def settle(self, action_id: ActionId, channel_id: ChannelId, error: str) -> bool:
        if not self.is_in(action_id, ActionState.EXECUTING):
            return False
        steps = dict(self.known[action_id].steps)
        step = steps.get(channel_id)
        if step is None or step.error not in ("", error):
            return False
        steps[channel_id] = Step(step.begun_at, error=error)
        self._change(action_id, steps=steps)
        return True

    def conclude(self, action_id: ActionId, outcome: Outcome, at: datetime) -> bool:
        if not self.is_in(action_id, ActionState.TAKEN, ActionState.EXECUTING):
            return False
        self._change(action_id, state=ActionState.COMPLETED, outcome=outcome, completed_at=at)
        return True

    def finish(self, action_id: ActionId) -> bool:
        if not self.is_in(action_id, ActionState.COMPLETED):
            return False
        self._let_go(action_id, ActionState.REPORTED)
        return True

    def set_aside(self, action_id: ActionId, reason: str) -> bool:
        if not self.is_in(action_id, ActionState.COMPLETED):
            return False
        self._let_go(action_id, ActionState.DEAD_LETTERED, reason)
        return True

    def revive(self, action_id: ActionId) -> bool:
        if not self.is_in(action_id, ActionState.DEAD_LETTERED):
            return False
        self._let_go(action_id, ActionState.COMPLETED)
        return True

    def discard(self, action_id: ActionId) -> bool:
        if action_id in self.in_hand or action_id not in self.known or self.is_in(action_id, ActionState.REPORTED):
            return False
        self._let_go(action_id, ActionState.REPORTED)
        return True

    def adopt(self, limit: int) -> list[JournalEntry]:
        adopted = [entry for entry in self.unfinished() if entry.action.id not in self.in_hand][:limit]
        self.in_hand |= {entry.action.id for entry in adopted}
        return adopted

    def forget(self, before: datetime) -> int:
        old = [
            entry.action.id
            for entry in self.known.values()
            if entry.state is ActionState.REPORTED and entry.taken_at < before
        ]
        for action_id in old:
            del self.known[action_id]
        return len(old)

    def unfinished(self) -> list[JournalEntry]:
        over = (ActionState.REPORTED, ActionState.DEAD_LETTERED)
        return sorted((e for e in self.known.values() if e.state not in over), key=lambda entry: entry.taken_at)

    def depth(self) -> Backlog:
        unfinished = self.unfinished()
        set_aside = sum(entry.state is ActionState.DEAD_LETTERED for entry in self.known.values())
        return Backlog(len(unfinished), set_aside, unfinished[0].taken_at if unfinished else None)

    def _change(self, action_id: ActionId, **changes: object) -> None:
        self.known[action_id] = replace(self.known[action_id], **changes)  # type: ignore[arg-type] # whatever changes

    def _let_go(self, action_id: ActionId, state: ActionState, reason: str = "") -> None:
        self._change(action_id, state=state, dead_letter_reason=reason)
        self.in_hand.discard(action_id)
