"""An outbox that forgets everything at exit."""

import heapq
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count, islice

from adapters.serialization.timestamps import parse_ts
from application.ports.clock import Clock
from domain.channels import ChannelId
from domain.errors import LeaseLost, TooLate
from domain.messages import IncomingMessage
from domain.outbox import Backlog, Claim, Lane, Lease, OutboxEntry

_DIGITS = 6
"""Microseconds: a delay may not end a hair after the timer that waits for its end."""


@dataclass(slots=True)
class _Lane:
    """The waiting entries of a lane, and who has claimed them."""

    waiting: OrderedDict[str, OutboxEntry] = field(default_factory=OrderedDict)
    token: int | None = None
    """The token of the current claim."""
    latest_token: int = 0
    claimed: set[str] = field(default_factory=set)
    """The keys of the claim that still wait."""
    leased_until: float | None = None
    not_before: float | None = None
    is_interrupted: bool = False
    last_message_at: datetime | None = None

    @property
    def head(self) -> str | None:
        return next(iter(self.waiting), None)

    def expire(self) -> None:
        if self.token is not None:
            self.is_interrupted = self.head in self.claimed
            self.release()

    def release(self) -> None:
        self.token, self.leased_until, self.claimed = None, None, set()

    def remove(self, key: str) -> None:
        if key == self.head:
            self.is_interrupted = False
        del self.waiting[key]
        self.claimed.discard(key)
        if not self.waiting:
            self.not_before = None

    def update(self, now: float) -> None:
        if self.leased_until is not None and self.leased_until <= now:
            self.expire()
        if self.not_before is not None and self.not_before <= now:
            self.not_before = None


class MemoryOutbox:
    """Implements Outbox in dictionaries. Leases, delays and ages are in the clock's monotonic seconds."""

    def __init__(self, clock: Clock, is_joined: Callable[[ChannelId], bool]) -> None:
        self._clock = clock
        self._is_joined = is_joined
        self.subscribers: list[Callable[[], None]] = []
        """Called when entries were appended."""
        self._lanes: dict[Lane, _Lane] = {}
        self._tokens = count(1)
        self._positions: dict[str, int] = {}
        """The position, in the order of all entries, of each key that waits or is dead-lettered."""
        self._next_position = count()
        self._by_age: deque[tuple[int, OutboxEntry, float]] = deque()
        """Waiting entries, each with its position and since when it waits; others are dropped when they come first."""
        self._rejected_since: dict[str, float] = {}
        self._dead_letters: dict[str, OutboxEntry] = {}
        self._delivered_at: dict[str, float] = {}

    def expire_claims(self) -> None:
        """The claiming process has exited."""
        for lane in self._lanes.values():
            lane.expire()

    def last_message_at(self, name: Lane) -> datetime | None:
        """Returns the timestamp of the lane's latest message."""
        lane = self._lanes.get(name)
        return lane.last_message_at if lane else None

    def active_since(self, time: datetime) -> frozenset[Lane]:
        """Returns the lanes whose latest message is not older than that."""
        lanes = self._lanes.items()
        return frozenset(name for name, lane in lanes if lane.last_message_at and lane.last_message_at >= time)

    async def append(
        self,
        entries: Sequence[OutboxEntry],
        *,
        within_seconds: float | None = None,
        only_if_joined: Collection[ChannelId] = (),
    ) -> list[bool]:
        if within_seconds is not None and within_seconds <= 0:
            raise TooLate
        left_out = {channel_id for channel_id in only_if_joined if not self._is_joined(channel_id)}
        are_new = [entry.event.channel_id not in left_out and self._append(entry) for entry in entries]
        for notify in self.subscribers:
            notify()
        return are_new

    async def claim(
        self, lanes: int, entries: int, lease_seconds: float, *, held: Sequence[Claim] = (), min_priority: int = 0
    ) -> list[Claim]:
        now = self._now()
        leased_until = now + lease_seconds
        for claim in held:
            if self._lanes[claim.lane].token == claim.lease.token:
                self._lanes[claim.lane].leased_until = leased_until
        for lane in self._lanes.values():
            lane.update(now)
        ready = [
            (-head.priority, self._positions[head.key], name)
            for name, lane in self._lanes.items()
            if lane.token is None and lane.not_before is None
            for head in islice(lane.waiting.values(), 1)
            if head.priority >= min_priority
        ]
        return [self._claim(name, entries, leased_until) for *_, name in heapq.nsmallest(lanes, ready)]

    async def ack(self, claim: Claim, entry: OutboxEntry, *, releases: bool = False) -> None:
        lane = self._latest_lane(claim)
        self._remove(entry.key, entry.lane)
        if releases:
            lane.release()

    async def dead_letter(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        lane = self._latest_lane(claim)
        if (waiting := lane.waiting.get(entry.key)) is not None:
            lane.remove(entry.key)
            self._dead_letters[entry.key] = replace(waiting, dead_letter_reason=reason)

    async def release(self, claim: Claim, *, retry_after_seconds: float = 0, rejected: bool = False) -> None:
        lane = self._held_lane(claim)
        now = self._now()
        if rejected and lane.head in lane.claimed:
            first = next(iter(lane.waiting.values()))
            rejected_at = first.first_rejected_at or self._clock.now()
            lane.waiting[first.key] = replace(first, rejections=first.rejections + 1, first_rejected_at=rejected_at)
            self._rejected_since.setdefault(first.key, now)
        lane.release()
        if retry_after_seconds and lane.waiting:
            lane.not_before = round(now + retry_after_seconds, _DIGITS)

    async def renew_lease(self, claim: Claim, lease_seconds: float) -> None:
        self._held_lane(claim).leased_until = self._now() + lease_seconds

    async def next_due_seconds(self) -> float | None:
        due = min((lane.not_before for lane in self._lanes.values() if lane.not_before is not None), default=None)
        return None if due is None else due - self._now()

    async def backlog(self) -> Backlog:
        while self._by_age and not self._is_waiting(*self._by_age[0][:2]):
            self._by_age.popleft()
        backlog = Backlog(len(self._positions) - len(self._dead_letters), len(self._dead_letters))
        if not self._by_age:
            return backlog
        _, oldest, since = self._by_age[0]
        return replace(backlog, oldest_at=oldest.received_at, oldest_waited_seconds=self._now() - since)

    async def entries(self, *, dead_lettered: bool = False) -> AsyncIterator[OutboxEntry]:
        chosen = (
            list(self._dead_letters.values())
            if dead_lettered
            else [entry for lane in self._lanes.values() for entry in lane.waiting.values()]
        )
        for entry in sorted(chosen, key=lambda entry: self._positions[entry.key]):
            yield entry

    async def requeue(self, key: str) -> bool:
        entry = self._dead_letters.pop(key, None)
        if entry is None:
            return False
        self._rejected_since.pop(key, None)
        self._wait(replace(entry, rejections=0, first_rejected_at=None, dead_letter_reason=""))
        return True

    async def discard(self, key: str) -> bool:
        if key in self._dead_letters:
            self._remove(key, self._dead_letters[key].lane)
            return True
        for name, lane in self._lanes.items():
            if key in lane.waiting and key not in lane.claimed:
                self._remove(key, name)
                return True
        return False

    async def purge(self, older_than: timedelta) -> int:
        before = self._now() - older_than.total_seconds()
        purged = [key for key, delivered_at in self._delivered_at.items() if delivered_at < before]
        for key in purged:
            del self._delivered_at[key]
        return len(purged)

    def _append(self, entry: OutboxEntry) -> bool:
        if entry.key in self._positions or entry.key in self._delivered_at:
            return False
        lane = self._wait(entry)
        if isinstance(entry.event, IncomingMessage):
            message_at = parse_ts(entry.event.timestamp)
            lane.last_message_at = max(filter(None, (lane.last_message_at, message_at)), default=None)
        return True

    def _wait(self, entry: OutboxEntry) -> _Lane:
        lane = self._lanes.setdefault(entry.lane, _Lane())
        lane.waiting[entry.key] = entry
        position = self._positions[entry.key] = next(self._next_position)
        self._by_age.append((position, entry, self._now()))
        return lane

    def _now(self) -> float:
        return round(self._clock.monotonic(), _DIGITS)

    def _is_waiting(self, position: int, entry: OutboxEntry) -> bool:
        return self._positions.get(entry.key) == position and entry.key not in self._dead_letters

    def _claim(self, name: Lane, limit: int, leased_until: float) -> Claim:
        lane = self._lanes[name]
        first = tuple(islice(lane.waiting.values(), limit))
        lane.token = lane.latest_token = next(self._tokens)
        lane.claimed = {entry.key for entry in first}
        lane.leased_until = leased_until
        now = self._now()
        rejected_seconds = now - self._rejected_since.get(first[0].key, now)
        return Claim(Lease(name, lane.token), first, lane.is_interrupted, rejected_seconds)

    def _latest_lane(self, claim: Claim) -> _Lane:
        """Returns a lane that has not been claimed again since. Raises LeaseLost."""
        lane = self._lanes[claim.lane]
        if lane.latest_token != claim.lease.token:
            raise LeaseLost(claim.lane)
        return lane

    def _held_lane(self, claim: Claim) -> _Lane:
        lane = self._lanes[claim.lane]
        if lane.token != claim.lease.token:
            raise LeaseLost(claim.lane)
        return lane

    def _remove(self, key: str, name: Lane) -> None:
        lane = self._lanes[name]
        entry = self._dead_letters.pop(key, None) or lane.waiting.get(key)
        if entry is None:
            return
        if key in lane.waiting:
            lane.remove(key)
        del self._positions[key]
        self._rejected_since.pop(key, None)
        self._delivered_at[key] = self._now()
