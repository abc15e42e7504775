"""Serves the workbench's page on this machine: its files, the state feed and the actions."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler

from entrypoints.simulation.web.access_guard import SOCKET_PROTOCOL, AccessGuard
from entrypoints.simulation.web.action_request import ActionRejected
from entrypoints.simulation.web.actions import ActionHandler
from entrypoints.simulation.web.workbench import Workbench

_STATIC: Final = Path(__file__).parent / "static"
_CONTENT_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_TOKEN_PLACEHOLDER: Final = "{{token}}"  # noqa: S105 - not a token itself
_HOST: Final = "127.0.0.1"
_MAX_BODY_BYTES: Final = 5 * 1024 * 1024
_HEARTBEAT_SECONDS: Final = 20.0
_SEND_TIMEOUT_SECONDS: Final = 30.0
_SHUTDOWN_SECONDS: Final = 1.0


class PageServer:
    """Serves a workbench's page."""

    def __init__(self, workbench: Workbench) -> None:
        self._feed = workbench.feed
        self._actions = ActionHandler(workbench)
        self._guard = AccessGuard()
        self._sockets: set[web.WebSocketResponse] = set()

    @asynccontextmanager
    async def run(self, port: int) -> AsyncIterator[str]:
        """Serves the page and yields its URL. Port 0 picks a free one. Raises OSError if the port is taken."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[self._guard.check])
        app.router.add_get("/feed", self._serve_feed)
        app.router.add_post("/actions/{name}", self._execute_action)
        for path, handler in _static_handlers(self._guard.token).items():
            app.router.add_get(path, handler)
        app.on_shutdown.append(self._close_sockets)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, _HOST, port).start()
            port = runner.addresses[0][1]
            self._guard.hosts = frozenset({f"{_HOST}:{port}", f"localhost:{port}"})
            yield f"http://{_HOST}:{port}/"
        finally:
            await runner.cleanup()

    async def _execute_action(self, request: web.Request) -> web.Response:
        try:
            arguments = await request.json()
        except (ValueError, RecursionError):
            arguments = None
        if request.content_type != "application/json" or not isinstance(arguments, dict):
            return web.json_response({"error": "the body must be a JSON object"}, status=400)
        try:
            return web.json_response(await self._actions.handle(request.match_info["name"], arguments))
        except ActionRejected as error:
            # With status 200: browsers log every other one as an error.
            return web.json_response({"error": str(error)})

    async def _serve_feed(self, request: web.Request) -> web.WebSocketResponse:
        """Sends a page every change since version `after`, until it disconnects."""
        after = request.query.get("after", "0")
        socket = web.WebSocketResponse(protocols=(SOCKET_PROTOCOL,), heartbeat=_HEARTBEAT_SECONDS)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            async with asyncio.TaskGroup() as tasks:
                version = int(after) if after.isdecimal() else 0
                sending = tasks.create_task(self._send_changes(socket, version), name="send changes to a page")
                async for _ in socket:
                    pass  # what pages send is ignored; the loop ends when they disconnect
                sending.cancel()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _send_changes(self, socket: web.WebSocketResponse, version: int) -> None:
        try:
            while True:
                delta = self._feed.delta_since(version)
                version = delta.version
                message = {"version": version, "is_snapshot": delta.is_snapshot, "values": delta.values}
                async with asyncio.timeout(_SEND_TIMEOUT_SECONDS):
                    await socket.send_str(json.dumps(message))
                await self._feed.wait_for_change_since(version)
        except (ConnectionError, TimeoutError):
            await socket.close()

    async def _close_sockets(self, _: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)


def _static_handlers(token: str) -> dict[str, Handler]:
    """Returns a handler for each static file by path; the page itself is at `/`."""
    handlers: dict[str, Handler] = {}
    for file in sorted(_STATIC.rglob("*")):
        content_type = _CONTENT_TYPES.get(file.suffix)
        if content_type is not None:
            path = file.relative_to(_STATIC).as_posix()
            text = file.read_text(encoding="utf-8")
            if path == "index.html":
                path, text = "", text.replace(_TOKEN_PLACEHOLDER, token)
            handlers[f"/{path}"] = partial(_serve_text, text, content_type)
    return handlers


async def _serve_text(text: str, content_type: str, _: web.Request) -> web.StreamResponse:
    return web.Response(text=text, content_type=content_type)
