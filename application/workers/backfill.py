"""After a gap: fetches from the chat service's history the messages that the pack missed."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog

from application.policies import Listen
from application.ports.chat import Chat, Page
from application.ports.clock import Clock
from application.ports.receiver import IncomingEvent
from application.ports.storage import Storage
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.services.backfill_progress import BackfillProgress
from application.use_cases.receive_message import ReceiveMessage
from domain.channels import ChannelId
from domain.errors import ChatError
from domain.messages import IncomingMessage
from domain.users import Identity

log = structlog.get_logger()

MIN_GAP_SECONDS = 60.0
"""After a shorter gap the chat service delivers the missed events again itself."""
_CONCURRENT_CHANNELS = 4
_MAX_HELD_BACK = 10_000
"""Live messages that may wait in memory for a backfill. Beyond it order yields, so that nothing is lost."""
_OVERLAP = timedelta(minutes=10)
"""Before the last message received: the chat service retries for about six minutes, so that an earlier message may
still be on its way. Messages that the pack has already are recognised."""
_RECENT = timedelta(hours=48)
"""Direct messages are backfilled where one was received within this time. Reading the history of everyone who ever
wrote one would exhaust the rate limit."""


class Backfill:
    """Reads each channel's history once after a gap; live messages of that channel are held back meanwhile."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        receive_message: ReceiveMessage,
        progress: BackfillProgress,
        clock: Clock,
        shutdown: Shutdown,
        look_back_seconds: float,
        listen: Listen,
    ) -> None:
        self._chat = chat
        self._channels = storage.channels
        self._receive_message = receive_message
        self._progress = progress
        self._clock = clock
        self._shutdown = shutdown
        self._look_back_seconds = look_back_seconds
        self._listen = listen
        self._waiting: deque[ChannelId] = deque()
        self._again: set[ChannelId] = set()
        """Channels in progress that have to be read once more."""
        self._wake = asyncio.Event()
        self._held_back: dict[ChannelId, list[IncomingEvent]] = {}
        self._held_back_count = 0
        self.released: list[IncomingEvent] = []
        """Live events that need not wait any longer, in order."""

    async def schedule(self, disconnected_seconds: float | None, *, replays_missed: bool = True) -> None:
        """Schedules the backfill of every channel: at the start (None), or after a gap long enough to lose messages.

        Every gap is long enough where the chat service does not deliver missed events again.
        """
        if not self._look_back_seconds or self._shutdown.is_requested:
            self._progress.on_scheduled()
            return
        if replays_missed and disconnected_seconds is not None and disconnected_seconds < MIN_GAP_SECONDS:
            return
        for channel_id in await self._channels_to_backfill():
            if channel_id not in self._held_back:
                self._held_back[channel_id] = []
                self._waiting.append(channel_id)
            elif channel_id not in self._waiting:
                self._again.add(channel_id)  # what has been fetched may lack the end of this gap
        self._wake.set()
        self._progress.on_scheduled(frozenset(self._held_back))

    def hold_back(self, incoming: IncomingEvent) -> bool:
        """Returns whether this event waits for the backfill of its channel; it is `released` afterwards."""
        message = incoming.event
        if not isinstance(message, IncomingMessage) or message.channel_id not in self._held_back:
            return False
        if self._held_back_count >= _MAX_HELD_BACK:
            return False
        channel_id = message.channel_id
        if not self._held_back[channel_id] and channel_id in self._waiting:
            self._waiting.remove(channel_id)
            self._waiting.appendleft(channel_id)  # channels with waiting messages go first
        self._held_back[channel_id].append(incoming)
        self._held_back_count += 1
        return True

    def drain_released(self) -> list[IncomingEvent]:
        """Returns the released events, once."""
        released, self.released = self.released, []
        return released

    async def run(self, identity: Identity, on_backfilled: Callable[[], None]) -> None:
        """Runs scheduled backfills until the pack ends.

        Calls `on_backfilled` after each channel: messages may have been stored, and events released.
        """
        async with asyncio.TaskGroup() as workers:
            for number in range(_CONCURRENT_CHANNELS):
                workers.create_task(self._work(identity, on_backfilled), name=f"backfill {number}")

    async def _work(self, identity: Identity, on_backfilled: Callable[[], None]) -> None:
        try:
            while True:
                await self._shutdown.wait(None, self._wake)
                if not self._waiting:
                    self._wake.clear()
                    continue
                channel_id = self._waiting.popleft()
                await self._backfill_channel(channel_id, identity)
                while channel_id in self._again:
                    self._again.remove(channel_id)
                    await self._backfill_channel(channel_id, identity)
                self._release(channel_id)
                on_backfilled()
        except ShutdownRequested:
            return

    def _release(self, channel_id: ChannelId) -> None:
        events = self._held_back.pop(channel_id, [])
        self._held_back_count -= len(events)
        self.released.extend(events)
        self._progress.on_done(channel_id)

    async def _channels_to_backfill(self) -> tuple[ChannelId, ...]:
        """As far as the storage knows: receiving waits for this, and must not wait for the chat service."""
        joined = (await self._channels.joined()).ids
        others = frozenset(filter(self._chat.is_direct, await self._channels.active_within(_RECENT)))
        if self._listen is Listen.MEMBER:
            others |= await self._channels.unjoined_memberships() or frozenset()
        return (*joined, *sorted(others.difference(joined)))

    async def _backfill_channel(self, channel_id: ChannelId, identity: Identity) -> None:
        last_message_at = await self._channels.last_message_at(channel_id, overlap=_OVERLAP)
        if last_message_at is None:
            return  # the pack never listened to this channel: it missed nothing
        earliest = self._clock.now() - timedelta(seconds=self._look_back_seconds)
        after = f"{max(last_message_at, earliest).timestamp():.6f}"
        try:
            missed = await self._fetch_since(channel_id, after)
        except ChatError as error:
            log.warning("catch_up_failed", channel=channel_id, reason=str(error))
            return
        if missed:
            new = await self._receive_message.receive([self._incoming(message) for message in missed], identity)
            log.info("caught_up", channel=channel_id, looked_at=len(missed), new=new)

    async def _fetch_since(self, channel_id: ChannelId, after: str) -> list[IncomingMessage]:
        """Returns the channel's messages, and those of threads that began after `after`, in order."""
        messages, threads = await self._fetch_pages(partial(self._chat.history, channel_id, after))
        for thread in threads:
            replies, _ = await self._fetch_pages(partial(self._chat.replies, channel_id, thread, after))
            messages += replies
        return sorted({message.timestamp: message for message in messages}.values(), key=lambda found: found.timestamp)

    async def _fetch_pages(self, fetch: Callable[[str], Awaitable[Page]]) -> tuple[list[IncomingMessage], list[str]]:
        messages: list[IncomingMessage] = []
        threads: list[str] = []
        cursor = ""
        while True:
            page = await fetch(cursor)
            messages += page.messages
            threads += page.threads
            cursor = page.next_cursor
            if not cursor:
                return messages, threads

    def _incoming(self, message: IncomingMessage) -> IncomingEvent:
        now = self._clock.now()
        return IncomingEvent(message, now.replace(microsecond=now.microsecond // 1000 * 1000), _acknowledge_nothing)


async def _acknowledge_nothing() -> None:
    """Messages from the history need no acknowledgement."""
