"""Fetches the messages that the pack missed in a gap from the chat service's history, beside the live ones."""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from application.health import HealthReporter
from application.loop_time import loop_time
from application.policies import LeasePolicy, Listen
from application.ports.chat import Chat
from application.ports.clock import Clock
from application.ports.receiver import IncomingEvent
from application.ports.storage import Storage
from application.resilience.incidents import log_incident
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.services.backfill_progress import BackfillProgress
from application.services.channel_locks import ChannelLocks
from application.services.history_reader import HistoryReader
from application.services.replica_group import ReplicaGroup
from application.use_cases.receive_events import ReceiveEvents
from domain.channels import ChannelId
from domain.errors import ChatError, LeaseLost
from domain.gaps import Gap
from domain.users import Identity

log = structlog.get_logger()

MIN_GAP_SECONDS = 60.0
"""The shortest gap to backfill: after a shorter one, the chat service itself delivers the missed events again."""
_WORK = ChannelId("work:backfill")
"""The lease for backfilling, which one replica at a time does for all, since they share the rate limits."""
_CONCURRENT_CHANNELS = 4
_OVERLAP = timedelta(minutes=10)
"""How far before the last message received to start: the chat service retries for about six minutes, so that an earlier
message may still be on its way. Messages that the pack has already are recognized."""
_RECENT = timedelta(hours=48)
"""Direct messages are backfilled where one was received within this time. Reading the history of everyone who ever
wrote one would exhaust the rate limit."""
_OLDEST = timedelta(hours=48)
"""Older history is never read, since messages that the pack has already would no longer be recognized."""
_TOLERANCE = timedelta(seconds=5)
"""How far beyond the end of a gap to read: the time of the chat service is known to a second or so."""
_SECOND_LOOK = timedelta(minutes=1)
"""How much of the end of a gap is read again where the history may have lagged behind."""
_FIRST_RETRY_SECONDS, _MAX_RETRY_SECONDS = 5.0, 600.0
"""How long a channel that can't be read waits. The others continue."""
_RESOLUTION_SECONDS = 0.001
"""A timer may end a moment before its time."""


@dataclass(slots=True)
class _Task:
    """A gap to be read."""

    gap: Gap
    active_at: datetime
    """When the channel was last active; the most recent goes first."""
    after: datetime
    """The time from which to read."""
    due_at: float = 0.0
    """Not to be read before that time of the event loop."""
    look_again_at: float = 0.0
    """The time from which the history certainly shows all of the gap; anything read before has to be read again."""
    failures: int = 0
    is_in_progress: bool = False


class Backfill:
    """Reads each channel's history once after a gap. A gap is on disk until it has been read to its end."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        reader: HistoryReader,
        receive_events: ReceiveEvents,
        progress: BackfillProgress,
        replicas: ReplicaGroup,
        work_locks: ChannelLocks,
        lease: LeasePolicy,
        health: HealthReporter,
        clock: Clock,
        shutdown: Shutdown,
        look_back_seconds: float,
        listen: Listen,
    ) -> None:
        self._chat = chat
        self._channels = storage.channels
        self._gaps = storage.gaps
        self._reader = reader
        self._receive_events = receive_events
        self._progress = progress
        self._replicas = replicas
        self._leases = storage.leases
        self._is_shared = storage.describe().is_shared
        self._work_locks = work_locks
        self._lease = lease
        self._health = health
        self._clock = clock
        self._shutdown = shutdown
        self._look_back = timedelta(seconds=look_back_seconds)
        self._listen = listen
        self._tasks: dict[Gap, _Task] = {}
        self._has_turn = not self._is_shared
        """Whether it is up to this replica to read the history."""
        self._wake = asyncio.Event()

    def skip(self) -> None:
        """Nothing was missed."""
        self._progress.on_scheduled()

    async def schedule(self, disconnected_seconds: float | None, *, replays_missed: bool = True) -> None:
        """Schedules the backfill of every channel: at the start (None), or after a gap long enough to lose messages.

        Every gap is long enough where the chat service does not deliver missed events again. When this returns, the
        gaps are on disk, so that messages received from now on may be stored.
        """
        is_short = replays_missed and disconnected_seconds is not None and disconnected_seconds < MIN_GAP_SECONDS
        if not self._look_back or self._shutdown.is_requested:
            self.skip()
        elif not is_short:
            self._replicas.replica_lost.clear()
            if new := await self._new_gaps():
                await self._gaps.add(new)
            await self._load(0.0 if replays_missed else loop_time() + self._chat.history_lag_seconds)

    def prioritize(self, channel_ids: Iterable[ChannelId]) -> None:
        """Puts channels first that have just been active."""
        active = frozenset(channel_ids) if self._tasks else frozenset()
        for task in self._tasks.values():
            if task.gap.channel_id in active:
                task.active_at = self._chat.now()

    async def run(self, identity: Identity) -> None:
        """Runs scheduled backfills until the pack ends."""
        async with asyncio.TaskGroup() as workers:
            for number in range(_CONCURRENT_CHANNELS):
                workers.create_task(self._work(identity), name=f"backfill {number}")
            if self._is_shared and self._look_back:
                workers.create_task(self._take_turns(), name="take turns at the backfill")
                workers.create_task(self._follow_others(), name="follow the backfill of others")

    async def _new_gaps(self) -> list[Gap]:
        now = self._chat.now()
        channel_ids = await self._channels_to_backfill(now)
        times = await asyncio.gather(*(self._channels.last_message_at(each, overlap=_OVERLAP) for each in channel_ids))
        since = dict(zip(channel_ids, times, strict=True))
        if unknown := [channel_id for channel_id, last in since.items() if last is None]:
            await self._channels.note_listening(unknown, now)  # from now on; it has missed nothing so far
        return [
            Gap(channel_id, max(last, now - self._look_back) if last <= now else now - self._look_back, now)
            for channel_id, last in since.items()
            if last is not None
        ]

    async def _channels_to_backfill(self, now: datetime) -> tuple[ChannelId, ...]:
        """As far as the storage knows: receiving waits for this, and must not wait for the chat service."""
        joined = (await self._channels.joined()).ids
        others = frozenset(filter(self._chat.is_direct, await self._channels.active_since(now - _RECENT)))
        if self._listen is Listen.MEMBER:
            others |= await self._channels.unjoined_memberships() or frozenset()
        return (*joined, *sorted(others.difference(joined)))

    async def _load(self, look_again_at: float) -> None:
        """Brings the tasks in line with the gaps on disk."""
        pending = await self._gaps.pending()
        active = await asyncio.gather(*(self._channels.last_message_at(gap.channel_id) for gap in pending))
        known, self._tasks = self._tasks, {}
        for channel_id in {gap.channel_id for gap in known} - {gap.channel_id for gap in pending}:
            self._progress.on_done(channel_id)  # another replica has read it
        earliest = self._chat.now() - _OLDEST
        for gap, active_at in zip(pending, active, strict=True):
            task = _Task(gap, active_at or gap.until, max(gap.after, earliest), look_again_at=look_again_at)
            self._tasks[gap] = known.get(gap, task)
        if self._has_turn and (started := len(self._tasks.keys() - known.keys())):
            log.info("catching_up", channels=started)
        self._progress.on_scheduled(frozenset(gap.channel_id for gap in self._tasks))
        self._report()
        self._wake.set()

    async def _take_turns(self) -> None:
        try:
            while True:
                async with self._work_locks.acquire(_WORK) as lease:
                    self._has_turn = True
                    self._wake.set()
                    try:
                        while True:
                            if self._replicas.replica_lost.is_set():
                                await self.schedule(None)
                            await self._shutdown.sleep(self._lease.poll_seconds)
                            await self._leases.check(lease)
                    except LeaseLost:
                        self._has_turn = False
        except ShutdownRequested:
            return

    async def _follow_others(self) -> None:
        """Learns of the gaps that others have noticed, and of those that they have read."""
        try:
            while True:
                await self._shutdown.sleep(self._lease.poll_seconds)
                await self._load(loop_time() + self._chat.history_lag_seconds)
        except ShutdownRequested:
            return

    async def _work(self, identity: Identity) -> None:
        try:
            while True:
                task = self._next_task()
                if task is None:
                    self._wake.clear()
                    await self._shutdown.wait(self._seconds_until_due(), self._wake)
                    continue
                task.is_in_progress = True
                try:
                    await self._backfill(task, identity)
                except ShutdownRequested:
                    raise
                except Exception as error:  # noqa: BLE001 - a bug, which holds up this channel alone
                    log_incident(channel=task.gap.channel_id)
                    self._retry_later(task, error)
                finally:
                    task.is_in_progress = False
        except ShutdownRequested:
            return

    def _next_task(self) -> _Task | None:
        if not self._has_turn:
            return None
        now = loop_time() + _RESOLUTION_SECONDS
        due = (task for task in self._tasks.values() if not task.is_in_progress and task.due_at <= now)
        return max(due, key=lambda task: task.active_at, default=None)

    def _seconds_until_due(self) -> float | None:
        if not self._has_turn:
            return None
        due = min((task.due_at for task in self._tasks.values() if not task.is_in_progress), default=math.inf)
        return None if due == math.inf else due - loop_time()

    async def _backfill(self, task: _Task, identity: Identity) -> None:
        channel_id, began_at = task.gap.channel_id, loop_time()
        if not await self._is_heard(channel_id):
            await self._close(task)
            return
        try:
            missed = await self._reader.read(channel_id, _ts(task.after), _ts(task.gap.until + _TOLERANCE))
        except ChatError as error:
            self._retry_later(task, error)
            return
        if missed:
            events = [IncomingEvent.received(message, self._clock.now()) for message in missed]
            new = await self._receive_events.receive(events, identity, is_backfilled=True)
            if new:
                log.info("caught_up", channel=channel_id, looked_at=len(missed), new=new)
        if began_at < task.look_again_at:
            task.due_at, task.after = task.look_again_at, max(task.after, task.gap.until - _SECOND_LOOK)
        else:
            await self._close(task)

    async def _is_heard(self, channel_id: ChannelId) -> bool:
        """Whether the pack listens to the channel; it may have left since the gap was noticed."""
        if self._listen is Listen.MEMBER or self._chat.is_direct(channel_id):
            return True
        return channel_id in await self._channels.joined()

    def _retry_later(self, task: _Task, error: Exception) -> None:
        pause = min(_FIRST_RETRY_SECONDS * 2**task.failures, _MAX_RETRY_SECONDS)
        task.failures += 1
        task.due_at = loop_time() + pause
        log.warning("catch_up_failed", channel=task.gap.channel_id, reason=str(error), again_in_seconds=pause)
        self._progress.on_done(task.gap.channel_id)

    async def _close(self, task: _Task) -> None:
        await self._gaps.close(task.gap)
        if self._tasks.get(task.gap) is task:
            del self._tasks[task.gap]
        if all(other.gap.channel_id != task.gap.channel_id for other in self._tasks.values()):
            self._progress.on_done(task.gap.channel_id)
        if not self._tasks:
            log.info("caught_up_everywhere")
        self._report()

    def _report(self) -> None:
        count = len({gap.channel_id for gap in self._tasks})
        channels = "1 channel" if count == 1 else f"{count} channels"
        self._health.note("backfill", f"fetching missed messages of {channels}" if count else "")


def _ts(time: datetime) -> str:
    return f"{time.timestamp():.6f}"
