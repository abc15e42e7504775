"""A storage in memory that several processes share, as they share a database: for tests of replicas."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any

from adapters.memory.storage import MemoryStorage
from application.ports.channels import Channels
from application.ports.clock import Clock
from application.ports.gaps import Gaps
from application.ports.journal import Journal
from application.ports.leases import Leases
from application.ports.message_keys import MessageKeys
from application.ports.outbox import Outbox
from application.ports.rate_limiter import RateLimiter
from application.ports.replicas import Replica, Replicas
from application.ports.storage import Storage, StorageDescription, Topic
from domain.actions import Action, ActionId, ActionState, JournalEntry, StepName, StepResult
from domain.commands import UnknownCommand
from domain.errors import LeaseLost, StorageUnusable
from domain.events import Outcome
from domain.outbox import Backlog, Lane, Lease

_RECENT_SECONDS = 3600.0
_IN_PROGRESS = (ActionState.TAKEN, ActionState.EXECUTING)


@dataclass(eq=False)
class _Process:
    """What the storage knows of a process."""

    alive_until: float
    has_ended: bool = False
    replica: Replica | None = None
    polls_since: datetime | None = None
    has_poll_session: bool = False
    """Whether its poll session was neither closed nor taken over by another process since its latest heartbeat."""
    connected_until: datetime | None = None


@dataclass(eq=False)
class _Action:
    """Who executes an action, and in which order."""

    owner: _Process
    lane: Lane
    place: int


@dataclass(eq=False)
class _LaneHolder:
    token: int = 0
    process: _Process | None = None


class SharedMemory:
    """What the processes share."""

    def __init__(self, clock: Clock, lease_seconds: float = 20) -> None:
        self.clock = clock
        self.lease_seconds = lease_seconds
        self.storage = MemoryStorage(clock)
        """The data, for the test itself."""
        self.processes: list[_Process] = []
        self.actions: dict[ActionId, _Action] = {}
        self.lanes: defaultdict[Lane, _LaneHolder] = defaultdict(_LaneHolder)
        self.places = count()
        self.owner: tuple[str, str] | None = None
        self.listeners: list[tuple[_Process, Topic, Callable[[], None]]] = []

    def process(self) -> "SharedMemoryProcess":
        """Returns the storage as a newly started process finds it, not opened."""
        return SharedMemoryProcess(self)

    def is_alive(self, process: _Process) -> bool:
        return process.alive_until > self.clock.monotonic()

    def notify_others(self, sender: _Process, topic: Topic) -> None:
        for process, wanted, notify in self.listeners:
            if process is not sender and wanted is topic and self.is_alive(process):
                notify()


@dataclass(eq=False)
class _Journal:
    """The journal as one process may change it. All that only reads goes to the shared one."""

    shared: SharedMemory
    process: _Process

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shared.storage.journal, name)

    @property
    def _journal(self) -> Journal:
        return self.shared.storage.journal

    async def open_poll_session(self, at: datetime | None = None) -> datetime | None:
        at = at or self.shared.clock.now()
        earlier = await self.abandoned_poll_session()
        self.process.polls_since = min(filter(None, (self.process.polls_since, earlier, at)))
        self.process.has_poll_session = True
        return earlier and min(at, earlier)

    async def close_poll_session(self) -> None:
        self.process.polls_since, self.process.has_poll_session = None, False

    async def abandoned_poll_session(self) -> datetime | None:
        abandoned = [each for each in self.shared.processes if each.has_poll_session and not self.shared.is_alive(each)]
        since = min((each.polls_since for each in abandoned if each.polls_since), default=None)
        for each in abandoned:
            each.has_poll_session = False
        if since and self.process.polls_since:
            self.process.polls_since = min(since, self.process.polls_since)
        return since

    async def record(self, action: Action, *, lane: Lane, at: datetime | None = None) -> JournalEntry | None:
        known = await self._journal.record(action, lane=lane, at=at)
        if known is None:
            self.shared.actions[action.id] = _Action(self.process, lane, next(self.shared.places))
        return known

    async def plan_steps(self, action_id: ActionId, names: Sequence[StepName]) -> None:
        self._check_owner(action_id)
        await self._journal.plan_steps(action_id, names)

    async def begin_step(
        self, action_id: ActionId, name: StepName, lease: Lease, *, at: datetime | None = None
    ) -> datetime:
        self._check(action_id, lease)
        return await self._journal.begin_step(action_id, name, lease, at=at)

    async def undo_begin_step(self, action_id: ActionId, name: StepName, lease: Lease) -> None:
        self._check(action_id, lease)
        await self._journal.undo_begin_step(action_id, name, lease)

    async def complete_step(
        self, action_id: ActionId, name: StepName, lease: Lease, *, result: StepResult | None = None, error: str = ""
    ) -> None:
        self._check(action_id, lease)
        await self._journal.complete_step(action_id, name, lease, result=result, error=error)

    async def set_outcome(self, action_id: ActionId, outcome: Outcome) -> datetime:
        self._check_owner(action_id)
        completed_at = await self._journal.set_outcome(action_id, outcome)
        self.shared.notify_others(self.process, Topic.LANES)
        return completed_at

    async def mark_reported(self, action_id: ActionId) -> None:
        self._check_owner(action_id)
        await self._journal.mark_reported(action_id)

    async def dead_letter(self, action_id: ActionId, reason: str) -> None:
        self._check_owner(action_id)
        await self._journal.dead_letter(action_id, reason)

    async def give_back(self, action_id: ActionId) -> None:
        self._check_owner(action_id)
        await self._journal.give_back(action_id)
        self.shared.notify_others(self.process, Topic.JOURNAL)

    async def claim_orphans(self, limit: int) -> list[JournalEntry]:
        for action_id, action in self.shared.actions.items():
            entry = await self._journal.load(action_id)
            is_lost = action.owner is not self.process and not self.shared.is_alive(action.owner)
            if entry is not None and is_lost:
                await self._journal.give_back(action_id)
        orphans = await self._journal.claim_orphans(limit)
        for entry in list(orphans):
            if isinstance(entry.action.command, UnknownCommand) and self._others_are_alive():
                await self._journal.give_back(entry.action.id)
                orphans.remove(entry)
            else:
                self.shared.actions[entry.action.id].owner = self.process
        return orphans

    async def backlog(self) -> Backlog:
        return await self._journal.backlog()

    def _others_are_alive(self) -> bool:
        return any(each is not self.process and self.shared.is_alive(each) for each in self.shared.processes)

    def _check(self, action_id: ActionId, lease: Lease) -> None:
        self._check_owner(action_id)
        _check_lease(self.shared, self.process, lease)

    def _check_owner(self, action_id: ActionId) -> None:
        action = self.shared.actions.get(action_id)
        if action is not None and action.owner is not self.process:
            raise LeaseLost(action_id)


@dataclass(eq=False)
class _Leases:
    """Implements Leases."""

    shared: SharedMemory
    process: _Process

    async def acquire(self, lane: Lane, action_id: ActionId | None = None) -> Lease | None:
        if action_id in self.shared.actions and not await self._has(action_id):
            raise LeaseLost(action_id)
        holder = self.shared.lanes[lane]
        is_held = holder.process not in (None, self.process) and self.shared.is_alive(holder.process or self.process)
        if is_held or (action_id is not None and await self._has_earlier(lane, action_id)):
            return None
        holder.process, holder.token = self.process, holder.token + 1
        return Lease(lane, holder.token)

    async def first(self, lane: Lane) -> ActionId | None:
        return min(await self._unfinished({lane}), default=(0, None))[1]

    async def check(self, lease: Lease) -> None:
        _check_lease(self.shared, self.process, lease)

    async def release(self, lease: Lease) -> None:
        holder = self.shared.lanes[lease.lane]
        if holder.process is self.process and holder.token == lease.token:
            holder.process = None
            self.shared.notify_others(self.process, Topic.LANES)

    async def _has(self, action_id: ActionId) -> bool:
        entry = await self.shared.storage.journal.load(action_id)
        is_unfinished = entry is not None and entry.state in _IN_PROGRESS
        return is_unfinished and self.shared.actions[action_id].owner is self.process

    async def _has_earlier(self, lane: Lane, action_id: ActionId) -> bool:
        action = self.shared.actions.get(action_id)
        if action is None:
            return False
        return any(place < action.place for place, _ in await self._unfinished({lane, action.lane}))

    async def _unfinished(self, lanes: set[Lane]) -> list[tuple[int, ActionId]]:
        entries = [entry async for entry in self.shared.storage.journal.entries() if entry.state in _IN_PROGRESS]
        actions = [(entry.action.id, self.shared.actions[entry.action.id]) for entry in entries]
        return [(action.place, action_id) for action_id, action in actions if action.lane in lanes]


@dataclass(eq=False)
class _Replicas:
    """Implements Replicas."""

    shared: SharedMemory
    process: _Process

    async def announce(self, replica: Replica) -> list[Replica]:
        self.process.replica = replica
        return await self.others()

    async def others(self) -> list[Replica]:
        now = self.shared.clock.monotonic()
        return [
            replace(each.replica, gone_seconds=max(0.0, now - each.alive_until), has_ended=each.has_ended)
            for each in self.shared.processes
            if each is not self.process and each.replica and now - each.alive_until <= _RECENT_SECONDS
        ]

    async def claim_for(self, team_id: str, bot_id: str) -> None:
        self.shared.owner = self.shared.owner or (team_id, bot_id)
        if self.shared.owner != (team_id, bot_id):
            raise StorageUnusable(f"this storage belongs to the bot {self.shared.owner[1]}")

    async def note_connected(self, at: datetime) -> None:
        self.process.connected_until = at

    async def connected_until(self) -> datetime | None:
        return max((each.connected_until for each in self.shared.processes if each.connected_until), default=None)


@dataclass(eq=False)
class _Outbox:
    """The outbox, which tells the others of new entries."""

    shared: SharedMemory
    process: _Process

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shared.storage.outbox, name)

    async def append(self, *arguments: Any, **keywords: Any) -> list[bool]:
        are_new = await self.shared.storage.outbox.append(*arguments, **keywords)
        self.shared.notify_others(self.process, Topic.OUTBOX)
        for process, topic, notify in self.shared.listeners:
            if process is self.process and topic is Topic.OUTBOX:
                notify()
        return are_new


class SharedMemoryProcess:
    """Implements Storage for one of the processes."""

    channels: Channels
    gaps: Gaps
    outbox: Outbox
    journal: Journal
    message_keys: MessageKeys
    rate_limiter: RateLimiter
    leases: Leases
    replicas: Replicas

    def __init__(self, shared: SharedMemory) -> None:
        self._shared = shared
        self._process = _Process(0.0)
        self.is_killed = False
        """Whether the process has ended without closing the storage."""
        storage: Storage = shared.storage
        self.channels, self.gaps = storage.channels, storage.gaps
        self.message_keys, self.rate_limiter = storage.message_keys, storage.rate_limiter
        self.outbox = _Outbox(shared, self._process)
        self.journal = _Journal(shared, self._process)
        self.leases = _Leases(shared, self._process)
        self.replicas = _Replicas(shared, self._process)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        await self.heartbeat(self._shared.lease_seconds)
        self._shared.processes.append(self._process)
        try:
            yield
        finally:
            if not self.is_killed:
                self._process.alive_until = min(self._process.alive_until, self._shared.clock.monotonic())
                self._process.has_ended = True

    async def heartbeat(self, lease_seconds: float) -> None:
        self._process.alive_until = self._shared.clock.monotonic() + lease_seconds
        self._process.has_poll_session = self._process.polls_since is not None

    def subscribe(self, topic: Topic, notify: Callable[[], None]) -> None:
        self._shared.listeners.append((self._process, topic, notify))

    def describe(self) -> StorageDescription:
        return StorageDescription("shared memory", is_durable=False, is_shared=True)


def _check_lease(shared: SharedMemory, process: _Process, lease: Lease) -> None:
    holder = shared.lanes[lease.lane]
    if holder.process is not process or holder.token != lease.token:
        raise LeaseLost(lease.lane)
