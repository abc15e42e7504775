"""Pauses that the chat service has asked for: kept, reported, and ended early by an operator."""

import asyncio
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from application.health import HealthReporter
from application.loop_time import loop_time
from application.ports.chat import Chat
from application.ports.receiver import CONNECT
from application.ports.storage import Storage
from application.resilience.shutdown import Shutdown
from application.services.channel_locks import ChannelLocks
from application.services.post_gate import PostGate
from domain.channels import ChannelId

log = structlog.get_logger()

_TOPIC = "pauses"
_REFRESH_SECONDS = 4.0
"""A lifted pause ends within five seconds."""
_LONG_PAUSE_SECONDS = 60
"""An operator should know of longer ones."""
_SAME_WAIT_SECONDS = 5.0
"""Requests that are refused at once ask for the same wait, although each pause ends a little later."""


class Pauses:
    """The pauses of posts into channels, and of the calls of methods."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        channel_locks: ChannelLocks,
        gate: PostGate,
        health: HealthReporter,
        shutdown: Shutdown,
    ) -> None:
        self._chat = chat
        self._rate_limiter = storage.rate_limiter
        self._channel_locks = channel_locks
        self._gate = gate
        self._health = health
        self._shutdown = shutdown
        self._refreshed = asyncio.Event()
        """Set after the next look at the storage."""
        self._ends: dict[str, float] = {}
        """The ends of the pauses seen last, by the event loop's time."""
        self._logged_ends: dict[str, float] = {}
        """The ends of the pauses logged last."""
        self._paced: set[ChannelId] = set()
        """The channels in which posts have waited for the pace ever since this was logged."""
        self._outages = 0

    async def end_those_of_methods(self) -> None:
        """For the start: they end with the process whose calls waited for them."""
        if methods := [name for name in await self._rate_limiter.paused() if _is_method(name)]:
            await self._rate_limiter.lift(methods)

    async def run(self) -> None:
        """Notices pauses that an operator has lifted, and keeps health up to date. Runs until the pack ends."""
        while True:
            await self._rate_limiter.sync()
            await self._refresh()
            self._refreshed.set()
            self._refreshed = asyncio.Event()
            if self._channel_locks.are_any_granted and not self._outages:
                await self._rate_limiter.note_steady(self._chat.now())
            await self._shutdown.sleep(_REFRESH_SECONDS)

    async def begin(self, channel_id: ChannelId, seconds: float) -> None:
        """Pauses a channel for `seconds`, an hour at most."""
        await self._begin(channel_id, seconds, channel=channel_id)

    async def begin_method(self, method: str, seconds: float) -> None:
        """Pauses a method of Chat for `seconds`, an hour at most, for those who `wait` for it."""
        await self._begin(method, seconds, method=method)

    def on_paced(self, channel_id: ChannelId, seconds: float) -> None:
        """Notes that a post waits `seconds` for the pace of its channel; 0: it does not have to."""
        if seconds <= 0:
            self._paced.discard(channel_id)
        elif channel_id not in self._paced:
            self._paced.add(channel_id)
            log.info("paced", channel=channel_id, seconds=round(seconds, 3))

    @contextmanager
    def outage(self) -> Iterator[None]:
        """While a post waits within, the time counts towards giving up also after a restart."""
        self._outages += 1
        try:
            yield
        finally:
            self._outages -= 1

    async def wait(self, name: str) -> bool:
        """Waits until the channel or method is not paused. Returns whether it was.

        Raises ShutdownRequested if the pack is to end before.
        """
        was_paused = False
        while left := await self._rate_limiter.pause_left(name):
            was_paused = True
            await self._shutdown.wait(left, self._refreshed)
        return was_paused

    async def _begin(self, name: str, seconds: float, **subject: str) -> None:
        now = loop_time()
        logged_end, self._logged_ends[name] = self._logged_ends.get(name, now), now + seconds
        if logged_end <= now or now + seconds > logged_end + _SAME_WAIT_SECONDS:
            _log_throttled(seconds, **subject)
        await self._rate_limiter.pause(name, seconds)
        await self._refresh()

    async def _refresh(self) -> None:
        paused, now = await self._rate_limiter.paused(), loop_time()
        if any(end > now and name not in paused for name, end in self._ends.items()):
            self._gate.release()  # lifted: the operator wants to know whether the service still objects
        self._ends = {name: now + left for name, left in paused.items()}
        self._logged_ends = {name: end for name, end in self._logged_ends.items() if name in paused}
        self._health.note(_TOPIC, "; ".join(_remarks(paused, self._gate.held_seconds)))


def _remarks(paused: Mapping[str, float], held_seconds: float) -> Iterator[str]:
    """Yields descriptions of the pauses that name no channel."""
    methods = {name: left for name, left in sorted(paused.items()) if _is_method(name)}
    if left := [left for name, left in paused.items() if name not in methods]:
        channels = "1 channel" if len(left) == 1 else f"{len(left)} channels"
        yield f"posts to {channels} paused by Slack, the longest for {math.ceil(max(left))} s"
    if held_seconds > _REFRESH_SECONDS:  # others are over before an operator could act
        yield f"all posts held back for {math.ceil(held_seconds)} s"
    if methods:
        calls = ", ".join(f"{name} for {math.ceil(left)} s" for name, left in methods.items())
        yield f"calls paused by Slack: {calls}"


def _is_method(name: str) -> bool:
    """Whether it is a method of Chat, or one of the service that flows call by its name."""
    return name == CONNECT or "." in name or hasattr(Chat, name)


def _log_throttled(seconds: float, **subject: str) -> None:
    if seconds > _LONG_PAUSE_SECONDS:
        log.warning("throttled", seconds=seconds, **subject)
    else:
        log.info("throttled", seconds=seconds, **subject)
