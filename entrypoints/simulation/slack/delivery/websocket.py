"""One WebSocket of the simulated Slack: its frames in order, its pings, and how it goes wrong."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from itertools import count
from typing import Final

from aiohttp import WSMsgType, web

from entrypoints.simulation.listener import reset_connection
from entrypoints.simulation.slack.models import JsonObject

MAX_QUEUED_FRAMES: Final = 100_000
CLOSE_TIMEOUT_SECONDS: Final = 1.0
"""How long the other end has to answer a polite close."""

_numbers = count(1)


class Socket:
    """An open connection to the app.

    `kind` is `socket_mode` or `rtm`. It is ready after `hello`.
    """

    def __init__(self, kind: str, request: web.Request) -> None:
        self.kind: Final = kind
        self.number: Final = next(_numbers)
        self.is_ready = False
        self.is_silent = False
        self._request = request
        self._frames: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._websocket = web.WebSocketResponse(timeout=CLOSE_TIMEOUT_SECONDS, autoping=False, compress=False)
        self._timers: list[asyncio.TimerHandle] = []

    def __repr__(self) -> str:
        return f"<{self.kind} socket {self.number}>"

    def send(self, frame: JsonObject | str | bytes) -> None:
        """Send a frame after those before it; a silent socket swallows it, an overfull one breaks."""
        if self.is_silent:
            return
        if self._frames.qsize() >= MAX_QUEUED_FRAMES:
            self.drop()
            return
        self._frames.put_nowait(json.dumps(frame) if isinstance(frame, dict) else frame)

    def silence(self) -> None:
        """Stay open and say nothing any more, to nothing; what comes in is not heard either."""
        self.is_silent = True

    def drop(self) -> None:
        """Break the connection without a word."""
        reset_connection(self._request.transport)

    def close_after(self, seconds: float) -> None:
        """Close politely, later; until then the app may finish what it has in hand."""
        self.call_later(seconds, self._frames.put_nowait, None)

    def call_later(self, seconds: float, callback: Callable[..., object], *arguments: object) -> None:
        """Do something later, if the connection is still open then."""
        self._timers.append(asyncio.get_running_loop().call_later(seconds, callback, *arguments))

    async def serve(
        self, on_open: Callable[[], None], handle_frame: Callable[[str], None], ping_seconds: float
    ) -> web.WebSocketResponse:
        """Hold the connection until either end closes it: greet, hear every text frame, ping at intervals."""
        await self._websocket.prepare(self._request)
        async with asyncio.TaskGroup() as tasks:
            helpers = [
                tasks.create_task(self._write(), name=f"{self!r} writes"),
                tasks.create_task(self._ping(ping_seconds), name=f"{self!r} pings"),
            ]
            try:
                on_open()
                await self._read(handle_frame)
            finally:
                self.is_ready = False
                for timer in self._timers:
                    timer.cancel()
                for helper in helpers:
                    helper.cancel()
        return self._websocket

    async def _read(self, handle_frame: Callable[[str], None]) -> None:
        async for message in self._websocket:
            if self.is_silent:
                continue
            if message.type is WSMsgType.TEXT:
                handle_frame(message.data)
            elif message.type is WSMsgType.PING:
                with contextlib.suppress(ConnectionError):
                    await self._websocket.pong(message.data)

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while (frame := await self._frames.get()) is not None:
                if self.is_silent:
                    continue
                if isinstance(frame, bytes):
                    await self._websocket.send_bytes(frame)
                else:
                    await self._websocket.send_str(frame)
            await self._websocket.close()

    async def _ping(self, ping_seconds: float) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(ping_seconds)
                if not self.is_silent:
                    await self._websocket.ping(b"Ping from the simulation")
