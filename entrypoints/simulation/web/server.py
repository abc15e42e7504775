"""Serves the workbench's page on this machine: its files, its socket, and what people do by it."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler

from entrypoints.simulation.web.access_guard import SOCKET_PROTOCOL, AccessGuard
from entrypoints.simulation.web.actions import ActionHandler, ActionRejected
from entrypoints.simulation.web.workbench import Workbench

_FILES: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_TOKEN_IN_PAGE: Final = "{{token}}"  # noqa: S105 - where the token goes
_HOST: Final = "127.0.0.1"
_MOST_BYTES: Final = 5 * 1024 * 1024
_HEARTBEAT_SECONDS: Final = 20.0
_SENDING_SECONDS: Final = 30.0
_CLOSING_SECONDS: Final = 1.0


class PageServer:
    """The page of a workbench, at `url` for as long as the `async with` block lasts. OSError when the port is taken."""

    def __init__(self, workbench: Workbench, port: int = 0) -> None:
        """Port 0 takes a free one."""
        self.url = ""
        self._workbench = workbench
        self._port = port
        self._deeds = ActionHandler(workbench)
        self._guard = AccessGuard()
        self._sockets: set[web.WebSocketResponse] = set()
        self._lifetime = AsyncExitStack()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MOST_BYTES, middlewares=[self._guard.check])
        app.router.add_get("/live", self._show_live)
        app.router.add_post("/do/{deed}", self._do)
        for path, response in _files(self._guard.token).items():
            app.router.add_get(path, response)
        app.on_shutdown.append(self._close_sockets)
        async with AsyncExitStack() as stack:
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSING_SECONDS)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, _HOST, self._port).start()
            port = runner.addresses[0][1]
            self._guard.hosts = frozenset({f"{_HOST}:{port}", f"localhost:{port}"})
            self.url = f"http://{_HOST}:{port}/"
            self._lifetime = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._lifetime.aclose()

    async def _do(self, request: web.Request) -> web.Response:
        try:
            values = await request.json()
        except (ValueError, RecursionError):
            values = None
        if request.content_type != "application/json" or not isinstance(values, dict):
            return web.json_response({"error": "a JSON object is needed"}, status=400)
        try:
            return web.json_response(await self._deeds.handle(request.match_info["deed"], values))
        except ActionRejected as error:
            # An answer like any other: a browser would complain of every status but 200.
            return web.json_response({"error": str(error)})

    async def _show_live(self, request: web.Request) -> web.WebSocketResponse:
        """Bring a page's copy of the board up to date, and keep it so. `after` is the latest change that it has."""
        after = request.query.get("after", "0")
        socket = web.WebSocketResponse(protocols=(SOCKET_PROTOCOL,), heartbeat=_HEARTBEAT_SECONDS)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            async with asyncio.TaskGroup() as tasks:
                number = int(after) if after.isdecimal() else 0
                telling = tasks.create_task(self._tell(socket, number), name="tell a page")
                async for _ in socket:
                    pass  # a page has nothing to say here; this ends when it goes
                telling.cancel()
        finally:
            self._sockets.discard(socket)
        return socket

    async def _tell(self, socket: web.WebSocketResponse, number: int) -> None:
        board = self._workbench.feed
        changes = board.delta_since(number)
        try:
            while True:
                told = {"number": changes.version, "is_whole": changes.is_snapshot, "cards": changes.values}
                async with asyncio.timeout(_SENDING_SECONDS):
                    await socket.send_str(json.dumps(told))
                await board.wait_for_change_since(changes.version)
                changes = board.delta_since(changes.version)
        except (ConnectionError, TimeoutError):
            await socket.close()

    async def _close_sockets(self, _: web.Application) -> None:
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)


def _files(token: str) -> dict[str, Handler]:
    """What there is to read, by path: the page at `/`, everything else under its own name."""
    handlers: dict[str, Handler] = {}
    for file in sorted(_FILES.rglob("*")):
        kind = _TYPES.get(file.suffix)
        if kind is not None:
            path = file.relative_to(_FILES).as_posix()
            text = file.read_text(encoding="utf-8")
            if path == "index.html":
                path, text = "", text.replace(_TOKEN_IN_PAGE, token)
            handlers[f"/{path}"] = _showing(text, kind)
    return handlers


def _showing(text: str, content_type: str) -> Handler:
    async def show(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type=content_type)

    return show
