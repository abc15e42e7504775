"""Pauses of posts that the chat service has asked for: kept, reported, and ended early by an operator."""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager

from application.health import HealthReporter
from application.policies import POLL_INTERVAL_SECONDS
from application.ports.chat import Chat
from application.ports.storage import Storage
from application.resilience.chat_retry import log_throttled
from application.resilience.shutdown import Shutdown
from application.services.channel_locks import ChannelLocks
from domain.actions import ActionId
from domain.channels import ChannelId

_TOPIC = "pauses"


class Pauses:
    """The pauses of all channels."""

    def __init__(
        self, chat: Chat, storage: Storage, channel_locks: ChannelLocks, health: HealthReporter, shutdown: Shutdown
    ) -> None:
        self._chat = chat
        self._rate_limiter = storage.rate_limiter
        self._channel_locks = channel_locks
        self._health = health
        self._shutdown = shutdown
        self._looked = asyncio.Event()
        """Set after the next look at the storage."""
        self._outages = 0

    async def run(self) -> None:
        """Notices pauses that an operator has lifted, and keeps health up to date. Runs until the pack ends."""
        while True:
            await self._rate_limiter.sync()
            await self._report()
            self._looked.set()
            self._looked = asyncio.Event()
            if len(self._channel_locks) and not self._outages:
                await self._rate_limiter.note_steady(self._chat.now())
            await self._shutdown.sleep(POLL_INTERVAL_SECONDS)

    async def begin(self, channel_id: ChannelId, seconds: float, action_id: ActionId) -> None:
        """Pauses a channel for so long, an hour at most. `action_id` is the action whose post was refused."""
        log_throttled(seconds, channel=channel_id, action=action_id)
        await self._rate_limiter.pause(channel_id, seconds)
        await self._report()

    @contextmanager
    def outage(self) -> Iterator[None]:
        """While a post waits within, the time counts towards giving up also after a restart."""
        self._outages += 1
        try:
            yield
        finally:
            self._outages -= 1

    async def wait(self, channel_id: ChannelId) -> None:
        """Returns when the channel is not paused. Raises ShutdownRequested if the pack is to end before."""
        while left := (await self._rate_limiter.paused()).get(channel_id):
            await self._shutdown.wait(left, self._looked)

    async def _report(self) -> None:
        left = (await self._rate_limiter.paused()).values()
        channels = "1 channel" if len(left) == 1 else f"{len(left)} channels"
        longest = f"posts to {channels} paused by Slack, the longest for {math.ceil(max(left, default=0))} s"
        self._health.note(_TOPIC, longest if left else "")
