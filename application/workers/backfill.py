"""After a gap, fetch from the chat service's history what was said while nobody listened."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from application.policies import Listen
from application.ports.chat import Chat, Page
from application.ports.clock import Clock
from application.ports.receiver import IncomingEvent
from application.ports.storage import Storage
from application.resilience.chat_retry import ChatLine
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.resilience.storage_retry import Safekeeping
from application.use_cases.receive_message import ReceiveMessage
from domain.channels import ChannelId, is_direct
from domain.errors import ChatError
from domain.messages import IncomingMessage
from domain.users import Identity

log = structlog.get_logger()

MIN_GAP = timedelta(minutes=1)
"""A shorter time of not listening is made up for by the chat service, which delivers again."""
_CONCURRENT_CHANNELS = 4
_MAX_HELD_BACK = 10_000
"""Live messages that may wait in memory for the past of their channels; beyond it order yields, so that nothing is
lost."""

_OVERLAP = timedelta(minutes=10)
"""Before the last message heard. An earlier one may have been overtaken: the chat service tries again for some six
minutes. What was heard already is recognised."""
_RECENTLY = timedelta(hours=48)
"""Where a direct message was said in this time another one may have been missed. To ask about everybody who ever
wrote one would take the chat service's patience."""


class Backfill:
    """Looks back into each channel once after a gap; what is said live in that channel waits meanwhile."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        receive_message: ReceiveMessage,
        clock: Clock,
        stop: Shutdown,
        line: ChatLine,
        keep: Safekeeping,
        look_back_seconds: float,
        listen: Listen,
    ) -> None:
        self._chat = chat
        self._channels = storage.channels
        self._receive_message = receive_message
        self._clock = clock
        self._stop = stop
        self._line = line
        self._keep = keep
        self._look_back_seconds = look_back_seconds
        self._listen = listen
        self._waiting: deque[ChannelId] = deque()
        self._again: set[ChannelId] = set()
        """Looked into at the moment, and to be looked into once more."""
        self._wake = asyncio.Event()
        self._held_back: dict[ChannelId, list[IncomingEvent]] = {}
        self._held_back_count = 0
        self._progress = asyncio.Event()
        """Replaced each time it is set: something was begun, or a channel is done."""
        self._is_scheduled = False
        self.released: list[IncomingEvent] = []
        """Live arrivals that need wait no longer, in their order."""

    async def schedule(self, deaf_since: datetime | None, *, is_redelivered: bool = True) -> None:
        """Look back into every channel: at the start (None), or after a gap that was long enough to lose something,
        which every gap is where the chat service delivers nothing again.
        """
        if not self._look_back_seconds or self._stop.is_requested:
            self._on_scheduled()
            return
        if deaf_since is not None and is_redelivered and self._clock.now() - deaf_since < MIN_GAP:
            return
        for channel_id in await self._channels_to_backfill():
            if channel_id not in self._held_back:
                self._held_back[channel_id] = []
                self._waiting.append(channel_id)
            elif channel_id not in self._waiting:
                self._again.add(channel_id)  # what the worker has fetched already may lack the end of this gap
        self._wake.set()
        self._on_scheduled()

    async def wait_until_done(self, channel_id: ChannelId, longest_seconds: float) -> None:
        """Return when nothing of this channel's past is waited for any more, or after so long. Stopping."""
        end = self._clock.monotonic() + longest_seconds
        while (left := end - self._clock.monotonic()) > 0:
            if self._is_scheduled and channel_id not in self._held_back:
                return
            await self._stop.wait(left, self._progress)

    def _on_scheduled(self) -> None:
        self._is_scheduled = True
        self._signal_progress()

    def _signal_progress(self) -> None:
        self._progress.set()
        self._progress = asyncio.Event()

    def hold_back(self, arrival: IncomingEvent) -> bool:
        """Whether this arrival waits for the past of its channel; it is `released` then."""
        event = arrival.event
        if not isinstance(event, IncomingMessage) or event.channel_id not in self._held_back:
            return False
        if self._held_back_count >= _MAX_HELD_BACK:
            return False
        if not self._held_back[event.channel_id] and event.channel_id in self._waiting:
            self._waiting.remove(event.channel_id)
            self._waiting.appendleft(event.channel_id)  # somebody waits: this channel's turn comes first
        self._held_back[event.channel_id].append(arrival)
        self._held_back_count += 1
        return True

    def drain_released(self) -> list[IncomingEvent]:
        """The released arrivals, once."""
        released, self.released = self.released, []
        return released

    async def run(self, identity: Identity, on_looked_back: Callable[[], None]) -> None:
        """Look back whenever it was begun, until the pack ends. `on_looked_back` is called after each channel:
        something new may be safe, and something released.
        """
        async with asyncio.TaskGroup() as workers:
            for number in range(_CONCURRENT_CHANNELS):
                workers.create_task(self._work(identity, on_looked_back), name=f"catch up {number}")

    async def _work(self, identity: Identity, on_looked_back: Callable[[], None]) -> None:
        try:
            while True:
                await self._stop.wait(None, self._wake)
                if not self._waiting:
                    self._wake.clear()
                    continue
                channel_id = self._waiting.popleft()
                await self._backfill_channel(channel_id, identity)
                while channel_id in self._again:
                    self._again.remove(channel_id)
                    await self._backfill_channel(channel_id, identity)
                self._release(channel_id)
                on_looked_back()
        except ShutdownRequested:
            return

    def _release(self, channel_id: ChannelId) -> None:
        arrivals = self._held_back.pop(channel_id, [])
        self._held_back_count -= len(arrivals)
        self.released.extend(arrivals)
        self._signal_progress()

    async def _channels_to_backfill(self) -> tuple[ChannelId, ...]:
        """As noted here: hearing waits for this, and must not wait for the chat service."""
        joined = (await self._keep(self._channels.joined)).ids
        recently = self._clock.now() - _RECENTLY
        others = frozenset(filter(is_direct, await self._keep(lambda: self._channels.active_since(recently))))
        if self._listen is Listen.MEMBER:
            bystanders = await self._keep(self._channels.unjoined_memberships)
            others |= bystanders or frozenset()
        return (*joined, *sorted(others.difference(joined)))

    async def _backfill_channel(self, channel_id: ChannelId, identity: Identity) -> None:
        heard_until = await self._keep(lambda: self._channels.last_message_at(channel_id, overlap=_OVERLAP))
        if heard_until is None:
            return  # never listened to before: nothing was missed
        earliest = self._clock.now() - timedelta(seconds=self._look_back_seconds)
        after = f"{max(heard_until, earliest).timestamp():.6f}"
        try:
            missed = await self._fetch_since(channel_id, after)
        except ChatError as error:
            log.warning("catch_up_failed", channel=channel_id, reason=str(error))
            return
        if missed:
            new = await self._receive_message([self._arrival(said) for said in missed], identity)
            log.info("caught_up", channel=channel_id, looked_at=len(missed), new=new)

    async def _fetch_since(self, channel_id: ChannelId, after: str) -> list[IncomingMessage]:
        """All that was said in the channel, and in threads that began after `after`; in the order of saying."""
        messages, threads = await self._pages(lambda cursor: self._chat.history(channel_id, after, cursor))
        for thread in threads:
            replies, _ = await self._pages(
                lambda cursor, thread=thread: self._chat.replies(channel_id, thread, after, cursor)  # type: ignore[misc] # mypy has no type for a lambda with a default
            )
            messages += replies
        return sorted({said.timestamp: said for said in messages}.values(), key=lambda said: said.timestamp)

    async def _pages(self, request: Callable[[str], Awaitable[Page]]) -> tuple[list[IncomingMessage], list[str]]:
        messages: list[IncomingMessage] = []
        threads: list[str] = []
        cursor = ""
        while True:
            page = await self._line(lambda: request(cursor), give_up_seconds=math.inf)  # noqa: B023 - awaited at once
            messages += page.messages
            threads += page.threads
            cursor = page.next_cursor
            if not cursor:
                return messages, threads

    def _arrival(self, said: IncomingMessage) -> IncomingEvent:
        now = self._clock.now()
        return IncomingEvent(said, now.replace(microsecond=now.microsecond // 1000 * 1000), _acknowledge_nothing)


async def _acknowledge_nothing() -> None:
    """Acknowledge what came from the history: there is nothing to say."""
