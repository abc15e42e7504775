"""One open WebSocket: frames, acknowledgements, and liveness."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import structlog
from aiohttp import ClientError, ClientWebSocketResponse, WebSocketError, WSCloseCode, WSMessage, WSMsgType

from adapters.serialization.json_codec import read_json, replace_surrogates_deep
from adapters.slack.web_client import MAX_FRAME_BYTES
from application.loop_time import loop_time
from application.ports.telemetry import Reconnection
from domain.json_values import JsonObject

log = structlog.get_logger()

_SEND_TIMEOUT_SECONDS = 5.0
_DEAD_AFTER_SECONDS = 30.0
"""Time without any frame, not even a pong, after which a connection counts as dead."""
_IDLE_AFTER_SECONDS = 90.0
"""The same for time without any frame but pongs, on a connection on which Slack itself sends pings."""
_CLOSED = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)


class Connection:
    """A WebSocket to Slack. Frames sent after its end are dropped silently."""

    def __init__(self, socket: ClientWebSocketResponse, send_timeout_seconds: float = _SEND_TIMEOUT_SECONDS) -> None:
        self._socket = socket
        self._send_timeout_seconds = send_timeout_seconds
        self._opened_at = self._alive_at = self._traffic_at = loop_time()
        self._receives_pings = False
        self._is_busy = False
        self._is_stuck = False
        self._acks_expected = 0
        self._all_acknowledged = asyncio.Event()
        self._all_acknowledged.set()
        self.needs_replacement = asyncio.Event()
        """Set when the connection has ended or will end soon."""
        self.end_reason = "the connection ended"
        self.ending = Reconnection.ENDED
        self.retry_after_seconds = 0.0
        """How long to wait before connecting again."""

    @property
    def last_received_at(self) -> float:
        """When Slack last sent something other than a pong, in the event loop's time."""
        return self._traffic_at

    @property
    def age_seconds(self) -> float:
        """How long it has been open."""
        return loop_time() - self._opened_at

    async def frames(self) -> AsyncGenerator[JsonObject, None]:
        """Yields the JSON objects received until the socket ends. Malformed frames are logged and skipped.

        A frame that breaks the rules of WebSockets, or has more than MAX_FRAME_BYTES, ends the socket.
        """
        while (message := await self._socket.receive()).type not in _CLOSED:
            self._on_alive(message)
            if message.type is WSMsgType.PING:
                await self._send_frame(message.data, WSMsgType.PONG)
            elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY) and (frame := _parse(message)) is not None:
                self._is_busy = True  # frames wait unread meanwhile, which is not silence
                try:
                    yield frame
                finally:
                    self._is_busy = False
                    self._on_traffic()
        if isinstance(message.data, WebSocketError):
            self._on_protocol_error(message.data)

    async def send(self, text: str) -> None:
        """Sends a text frame. Never raises: a peer that waits for the frame notices its absence."""
        await self._send_frame(text.encode(), WSMsgType.TEXT)

    async def ping(self) -> None:
        """Sends a ping."""
        await self._send_frame(b"", WSMsgType.PING)

    def is_silent(self) -> bool:
        """Whether Slack has been silent for so long that the connection must be considered dead."""
        now = loop_time()
        is_dead = now - self._alive_at >= _DEAD_AFTER_SECONDS
        is_idle = self._receives_pings and now - self._traffic_at >= _IDLE_AFTER_SECONDS
        return not self._is_busy and (is_dead or is_idle)

    def expect_ack(self) -> None:
        """Counts one more acknowledgement to be sent on this connection."""
        self._acks_expected += 1
        self._all_acknowledged.clear()

    async def send_ack(self, acknowledgement: str) -> None:
        """Sends an expected acknowledgement."""
        await self.send(acknowledgement)
        self._acks_expected -= 1
        if not self._acks_expected:
            self._all_acknowledged.set()

    async def drain_acks(self) -> None:
        """Waits until all expected acknowledgements are sent, or the connection is closed."""
        await self._all_acknowledged.wait()

    async def close(self) -> None:
        """Sends pending frames and closes, within the session's closing timeout."""
        with suppress(ClientError, OSError, RuntimeError):
            await self._socket.close()
        self._all_acknowledged.set()

    def _on_alive(self, message: WSMessage) -> None:
        self._alive_at = loop_time()
        if message.type is WSMsgType.PING:
            self._receives_pings = True
        # If Slack sends pings, pongs to our own pings don't prove that it still delivers events.
        if message.type is not WSMsgType.PONG or not self._receives_pings:
            self._on_traffic()

    def _on_protocol_error(self, error: WebSocketError) -> None:
        """Aiohttp has closed the socket."""
        self.ending = Reconnection.MALFORMED
        if error.code == WSCloseCode.MESSAGE_TOO_BIG:
            log.info("slack_frame_too_large", limit_bytes=MAX_FRAME_BYTES)
            self.end_reason = f"Slack sent a frame of more than {MAX_FRAME_BYTES} bytes"
        else:
            self.end_reason = f"Slack sent a malformed frame (WebSocket error {error.code})"

    def _on_traffic(self) -> None:
        self._alive_at = self._traffic_at = loop_time()

    async def _send_frame(self, data: bytes, kind: WSMsgType) -> None:
        if self._is_stuck:
            return
        try:
            async with asyncio.timeout(self._send_timeout_seconds):
                await self._socket.send_frame(data, kind)
        except TimeoutError:
            # The next sender must not wait as long. Without pongs, the connection will soon be considered dead.
            self._is_stuck = True
            log.info("slack_socket_stuck")
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
