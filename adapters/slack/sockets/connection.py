"""One open socket: frames in, acknowledgements out, and whether there is life in it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import structlog
from aiohttp import ClientError, ClientWebSocketResponse, WSMessage, WSMsgType

from adapters.serialization.json_codec import read_json, replace_surrogates_deep
from application.ports.clock import Clock
from domain.json_values import JsonObject

log = structlog.get_logger()

_SEND_TIMEOUT_SECONDS = 5.0
_DEAD_AFTER_SECONDS = 30.0
"""Without any frame, our pings unanswered."""
_IDLE_AFTER_SECONDS = 90.0
"""Without any frame but answers to our pings, on a connection on which Slack has pinged before."""
_ENDED = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class Connection:
    """A socket on which Slack speaks. What is sent on one that is gone is lost without a word."""

    def __init__(self, socket: ClientWebSocketResponse, clock: Clock) -> None:
        self._socket = socket
        self._clock = clock
        self._opened_at = self._alive_at = self._traffic_at = clock.monotonic()
        self._gets_pings = False
        self._is_busy = False
        self._is_stuck = False
        self._unacknowledged = 0
        self._all_acknowledged = asyncio.Event()
        self._all_acknowledged.set()
        self.last_received_at = clock.now()
        """When Slack was last known to speak on it."""
        self.needs_replacement = asyncio.Event()
        """Set when it has ended, or will soon."""
        self.end_reason = "the connection ended"
        self.retry_after_seconds = 0.0
        """For how long Slack wants to be left alone after it."""

    @property
    def age_seconds(self) -> float:
        """How long it has been open."""
        return self._clock.monotonic() - self._opened_at

    async def frames(self) -> AsyncGenerator[JsonObject, None]:
        """The JSON objects that come in, until the socket ends. What is none is logged and skipped."""
        while (message := await self._socket.receive()).type not in _ENDED:
            self._on_alive(message)
            if message.type is WSMsgType.PING:
                await self._send_frame(message.data, WSMsgType.PONG)
            elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY) and (frame := _parse(message)) is not None:
                self._is_busy = True  # what comes meanwhile waits unread, and is no silence
                try:
                    yield frame
                finally:
                    self._is_busy = False
                    self._on_traffic()

    async def send(self, text: str) -> None:
        """Send a text. Never raises: who waits for it learns by its absence."""
        await self._send_frame(text.encode(), WSMsgType.TEXT)

    async def ping(self) -> None:
        """Ask for a sign of life."""
        await self._send_frame(b"", WSMsgType.PING)

    def is_silent(self) -> bool:
        """Whether there has been no sign of life for so long that it must be taken for dead."""
        now = self._clock.monotonic()
        is_dead = now - self._alive_at >= _DEAD_AFTER_SECONDS
        is_idle = self._gets_pings and now - self._traffic_at >= _IDLE_AFTER_SECONDS
        return not self._is_busy and (is_dead or is_idle)

    def expect_ack(self) -> None:
        """One acknowledgement more is expected on this connection."""
        self._unacknowledged += 1
        self._all_acknowledged.clear()

    async def send_ack(self, acknowledgement: str) -> None:
        """Send an acknowledgement that was owed."""
        await self.send(acknowledgement)
        self._unacknowledged -= 1
        if not self._unacknowledged:
            self._all_acknowledged.set()

    async def drain_acks(self) -> None:
        """Return as soon as no acknowledgement is owed, or none can be sent any more."""
        await self._all_acknowledged.wait()

    async def close(self) -> None:
        """Send what waits to be sent, and end; within the seconds that the session allows for it."""
        with suppress(ClientError, OSError, RuntimeError):
            await self._socket.close()
        self._all_acknowledged.set()

    def _on_alive(self, message: WSMessage) -> None:
        self._alive_at = self._clock.monotonic()
        if message.type is WSMsgType.PING:
            self._gets_pings = True
        # Where Slack pings by itself, answers to our own pings don't prove that it still delivers.
        if message.type is not WSMsgType.PONG or not self._gets_pings:
            self._on_traffic()

    def _on_traffic(self) -> None:
        self._alive_at = self._traffic_at = self._clock.monotonic()
        self.last_received_at = self._clock.now()

    async def _send_frame(self, data: bytes, kind: WSMsgType) -> None:
        if self._is_stuck:
            return
        try:
            async with asyncio.timeout(_SEND_TIMEOUT_SECONDS):
                await self._socket.send_frame(data, kind)
        except TimeoutError:
            # Whoever sends next must not wait as long; unanswered, the connection will be taken for dead.
            self._is_stuck = True
            log.warning("slack_socket_stuck")
        except (ClientError, OSError, RuntimeError):
            return


def _parse(message: WSMessage) -> JsonObject | None:
    try:
        frame = replace_surrogates_deep(read_json(message.data))
    except ValueError:
        frame = None
    if not isinstance(frame, dict):
        log.warning("slack_frame_malformed", length=len(message.data))
        return None
    return frame
