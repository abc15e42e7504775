"""A WebSocket of the simulated Slack: frames in order, pings, and the ways in which it fails."""

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
"""The time that the peer has to answer a closing handshake."""

_numbers = count(1)


class Socket:
    """An open connection to the app; `kind` is `socket_mode` or `rtm`, and it is ready after `hello`."""

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
        """Queues a frame; a silent socket ignores it, an overfull one is reset."""
        if self.is_silent:
            return
        if self._frames.qsize() >= MAX_QUEUED_FRAMES:
            self.drop()
            return
        self._frames.put_nowait(json.dumps(frame) if isinstance(frame, dict) else frame)

    def silence(self) -> None:
        """Stays open, but sends nothing and ignores every frame from now on."""
        self.is_silent = True

    def drop(self) -> None:
        """Resets the connection."""
        reset_connection(self._request.transport)

    def close_after(self, seconds: float) -> None:
        """Closes the connection after some seconds, which the app may use to finish its work."""
        self.call_later(seconds, self._frames.put_nowait, None)

    def call_later(self, seconds: float, callback: Callable[..., object], *arguments: object) -> None:
        """Schedules a call, which is cancelled when the connection is closed."""
        self._timers.append(asyncio.get_running_loop().call_later(seconds, callback, *arguments))

    async def serve(
        self, on_open: Callable[[], None], handle_frame: Callable[[str], None], ping_seconds: float
    ) -> web.WebSocketResponse:
        """Serves the connection until either end closes it; `handle_frame` gets every text frame."""
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
