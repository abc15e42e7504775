"""An outbox that forgets everything at exit."""

import heapq
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

from adapters.serialization.timestamps import parse_ts
from domain.channels import ChannelId
from domain.outbox import Backlog, Claim, OutboxEntry


@dataclass(slots=True)
class _Lane:
    """One channel's waiting entries, and who has claimed them."""

    waiting: OrderedDict[str, OutboxEntry] = field(default_factory=OrderedDict)
    claim: Claim | None = None
    claimed: set[str] = field(default_factory=set)
    """The keys of the claim that still wait."""
    lease_until: datetime | None = None
    not_before: datetime | None = None
    is_interrupted: bool = False
    last_message_at: datetime | None = None

    @property
    def head(self) -> str | None:
        return next(iter(self.waiting), None)

    def interrupt(self) -> None:
        if self.claim is not None:
            self.is_interrupted = self.head in self.claimed
            self.release()

    def release(self) -> None:
        self.claim, self.lease_until, self.claimed = None, None, set()

    def remove(self, key: str) -> None:
        if key == self.head:
            self.is_interrupted = False
        del self.waiting[key]
        self.claimed.discard(key)
        if not self.waiting:
            self.not_before = None

    def wake(self, now: datetime) -> None:
        if self.lease_until is not None and self.lease_until <= now:
            self.interrupt()
        if self.not_before is not None and self.not_before <= now:
            self.not_before = None


class MemoryOutbox:
    """The outbox port in dictionaries."""

    def __init__(self) -> None:
        self._lanes: dict[ChannelId, _Lane] = {}
        self._places: dict[str, int] = {}
        """For each key that waits or is set aside: its place in the order of all."""
        self._next_place = 0
        self._by_age: list[tuple[datetime, int, str]] = []
        """A heap of what waits; what does not wait any more is dropped when it comes to the top."""
        self._set_aside: dict[str, OutboxEntry] = {}
        self._done: dict[str, datetime] = {}

    def release_claims(self) -> None:
        """The process that claimed is no more."""
        for lane in self._lanes.values():
            lane.interrupt()

    def last_message_at(self, channel_id: ChannelId) -> datetime | None:
        """The timestamp of the latest message taken from this channel."""
        lane = self._lanes.get(channel_id)
        return lane.last_message_at if lane else None

    def active_since(self, moment: datetime) -> frozenset[ChannelId]:
        """The channels whose latest message is not older than that."""
        lanes = self._lanes.items()
        return frozenset(channel for channel, lane in lanes if lane.last_message_at and lane.last_message_at >= moment)

    async def append(self, entries: Sequence[OutboxEntry]) -> list[bool]:
        return [self._append(entry) for entry in entries]

    async def claim(self, channels: int, entries: int, now: datetime, lease_seconds: float) -> list[Claim]:
        for lane in self._lanes.values():
            lane.wake(now)
        ready = [
            (head.received_at, self._places[head.key], channel_id)
            for channel_id, lane in self._lanes.items()
            if lane.claim is None and lane.not_before is None
            for head in islice(lane.waiting.values(), 1)
        ]
        lease_until = now + timedelta(seconds=lease_seconds)
        return [self._claim(channel_id, entries, lease_until) for *_, channel_id in heapq.nsmallest(channels, ready)]

    async def ack(self, claim: Claim, entry: OutboxEntry) -> None:
        del claim  # whoever brought it: the engine has it
        self._drop(entry.key, entry.said.channel_id)

    async def dead_letter(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        waiting = self._lanes[claim.channel_id].waiting.get(entry.key)
        if waiting is not None:
            self._lanes[claim.channel_id].remove(entry.key)
            self._set_aside[entry.key] = replace(waiting, dead_letter_reason=reason)

    async def release(
        self, claim: Claim, *, not_before: datetime | None = None, refused_at: datetime | None = None
    ) -> None:
        lane = self._lanes[claim.channel_id]
        if lane.claim is not claim:
            return
        if refused_at is not None and lane.head in lane.claimed:
            first = next(iter(lane.waiting.values()))
            lane.waiting[first.key] = replace(
                first, rejections=first.rejections + 1, first_rejected_at=first.first_rejected_at or refused_at
            )
        lane.release()
        lane.not_before = not_before if lane.waiting else None

    async def renew_lease(self, claim: Claim, now: datetime, lease_seconds: float) -> None:
        lane = self._lanes[claim.channel_id]
        if lane.claim is claim:
            lane.lease_until = now + timedelta(seconds=lease_seconds)

    async def next_due(self) -> datetime | None:
        return min((lane.not_before for lane in self._lanes.values() if lane.not_before), default=None)

    async def backlog(self) -> Backlog:
        while self._by_age and not self._waits(self._by_age[0][2]):
            heapq.heappop(self._by_age)
        waiting = len(self._places) - len(self._set_aside)
        return Backlog(waiting, len(self._set_aside), self._by_age[0][0] if self._by_age else None)

    async def entries(self, *, set_aside: bool = False) -> AsyncIterator[OutboxEntry]:
        chosen = (
            list(self._set_aside.values())
            if set_aside
            else [entry for lane in self._lanes.values() for entry in lane.waiting.values()]
        )
        for entry in sorted(chosen, key=lambda entry: (entry.received_at, self._places[entry.key])):
            yield entry

    async def requeue(self, key: str) -> bool:
        entry = self._set_aside.pop(key, None)
        if entry is None:
            return False
        self._wait(replace(entry, rejections=0, first_rejected_at=None, dead_letter_reason=""))
        return True

    async def discard(self, key: str) -> bool:
        if key in self._set_aside:
            self._drop(key, self._set_aside[key].said.channel_id)
            return True
        for channel_id, lane in self._lanes.items():
            if key in lane.waiting and key not in lane.claimed:
                self._drop(key, channel_id)
                return True
        return False

    async def purge(self, before: datetime) -> int:
        forgotten = [key for key, received_at in self._done.items() if received_at < before]
        for key in forgotten:
            del self._done[key]
        return len(forgotten)

    def _append(self, entry: OutboxEntry) -> bool:
        if entry.key in self._places or entry.key in self._done:
            return False
        lane = self._wait(entry)
        heard_at = parse_ts(entry.said.timestamp)
        lane.last_message_at = max(filter(None, (lane.last_message_at, heard_at)), default=None)
        return True

    def _wait(self, entry: OutboxEntry) -> _Lane:
        lane = self._lanes.setdefault(entry.said.channel_id, _Lane())
        lane.waiting[entry.key] = entry
        self._next_place += 1
        self._places[entry.key] = self._next_place
        heapq.heappush(self._by_age, (entry.received_at, self._next_place, entry.key))
        return lane

    def _waits(self, key: str) -> bool:
        return key in self._places and key not in self._set_aside

    def _claim(self, channel_id: ChannelId, limit: int, lease_until: datetime) -> Claim:
        lane = self._lanes[channel_id]
        first = tuple(islice(lane.waiting.values(), limit))
        lane.claim = Claim(channel_id, first, lane.is_interrupted)
        lane.claimed = {entry.key for entry in first}
        lane.lease_until = lease_until
        return lane.claim

    def _drop(self, key: str, channel_id: ChannelId) -> None:
        lane = self._lanes[channel_id]
        entry = self._set_aside.pop(key, None) or lane.waiting.get(key)
        if entry is None:
            return
        if key in lane.waiting:
            lane.remove(key)
        del self._places[key]
        self._done[key] = entry.received_at
