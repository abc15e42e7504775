"""The HTTP gateway of a simulated Flyte: listening, authorization, planned faults and a record of every request."""

import asyncio
import hmac
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Literal

import yaml
from aiohttp import web

from entrypoints.simulation.faults import Fault, FaultPlan, respond
from entrypoints.simulation.flyte.faults import LostRace
from entrypoints.simulation.flyte.routes import BODY_LIMIT, ActionResponse, Handler, NoResponse
from entrypoints.simulation.flyte.schemas import YAML
from entrypoints.simulation.flyte.trace import RequestServed
from entrypoints.simulation.listener import HttpListener, reset_connection
from entrypoints.simulation.local_requests import is_foreign

Down = Literal["refuse", "reset"]
_ROUTER_TEXTS = {404: "Not Found", 405: "Method Not Allowed"}
_ENCODED_SLASH = re.compile(r"^[^?]*%2F", re.IGNORECASE)
Served = Callable[[RequestServed, str | None], None]


class HttpGateway:
    """Passes authorized requests to their handlers, applies planned faults, and reports each request to `on_served`."""

    def __init__(
        self,
        host: str,
        port: int,
        now: Callable[[], float],
        faults: FaultPlan,
        on_served: Served,
        *,
        jwt: str | None,
        forbidden_routes: frozenset[str],
        lose_race: Callable[[str], None],
        on_request: Callable[[], None],
    ) -> None:
        self.in_progress: Counter[str] = Counter()
        self._listener = HttpListener(host, port, now)
        self._faults = faults
        self._on_served = on_served
        self._jwt = jwt
        self._forbidden_routes = forbidden_routes
        self._lose_race = lose_race
        self._on_request = on_request
        self._closing = asyncio.Event()
        self._is_down = False

    @property
    def url(self) -> str:
        """The server's address, also while it is down."""
        return self._listener.url

    async def open(self, routes: Sequence[tuple[str, str, str, Handler]]) -> None:
        """Starts to listen. Raises OSError if the port is taken."""
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=[self._handle_unrouted])
        for name, method, path, handler in routes:
            app.router.add_route(method, path, partial(self._handle, name, handler))
        await self._listener.open(app, handler_cancellation=True)

    async def close(self) -> None:
        """Stops listening, and resets all connections."""
        self._closing.set()
        await self._listener.close()

    async def go_down(self, how: Down = "refuse") -> None:
        """Resets all connections; then refuses new ones, or accepts them and resets them at their first request."""
        self._is_down = True
        if how == "refuse":
            await self._listener.stop()
        self._listener.reset_connections()

    async def come_up(self) -> None:
        """Serves requests again, on the same port."""
        self._is_down = False
        await self._listener.start()

    @web.middleware
    async def _handle_unrouted(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Responds where there is no route, as the server's router does: 404, also for a trailing slash, and 405."""
        if request.method == "HEAD":  # the server's handler crashes, and takes the connection with it
            return self._drop(request, "unknown", None, reset=False)
        try:
            if _ENCODED_SLASH.search(request.raw_path):  # the server matches decoded paths
                raise web.HTTPNotFound
            return await handler(request)
        except web.HTTPException as error:
            response = self._refusal(request, "unknown") or _unrouted(request, error.status)
            self._report(request, "unknown", response.status, None)
            return response

    async def _handle(self, route: str, handler: Handler, request: web.Request) -> web.Response:
        self.in_progress[route] += 1
        self._on_request()
        try:
            return await self._respond(route, handler, request)
        finally:
            self.in_progress[route] -= 1

    async def _respond(self, route: str, handler: Handler, request: web.Request) -> web.Response:
        if self._is_down:  # also for a connection accepted at that moment
            return self._drop(request, route, None, reset=True)
        fault = self._faults.match(route)
        response = self._refusal(request, route) or await self._apply(fault, route, handler, request)
        if isinstance(response, NoResponse):
            return self._drop(request, route, fault, reset=fault is not None)
        action_id = response.action.id if isinstance(response, ActionResponse) else None
        self._report(request, route, response.status, fault, action_id)
        return response

    def _refusal(self, request: web.Request, route: str) -> web.Response | None:
        if is_foreign(request):
            return web.Response(status=403, text="This server is only available to programs of this machine.\n")
        if self._jwt is None:
            return None
        given = request.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {self._jwt}".encode()) and route not in self._forbidden_routes:
            return None
        return web.Response(status=401, headers={"WWW-Authenticate": 'Bearer realm="token"'})

    async def _apply(self, fault: Fault | None, route: str, handler: Handler, request: web.Request) -> web.Response:
        if fault is None:
            return _negotiated(request, await handler(request))
        if isinstance(fault, LostRace) and fault.is_gone and route == "take":
            self._lose_race(request.match_info["pack_id"])
        return await respond(fault, partial(handler, request), self._closing) or NoResponse()

    def _drop(self, request: web.Request, route: str, fault: Fault | None, *, reset: bool) -> web.Response:
        self._report(request, route, 0, fault)
        if reset:
            reset_connection(request.transport)
        elif request.transport is not None:
            request.transport.close()
        return web.Response()

    def _report(
        self, request: web.Request, route: str, status: int, fault: Fault | None, action_id: str | None = None
    ) -> None:
        served = RequestServed(route, request.method, request.path, status, fault.name if fault else "")
        self._on_served(served, action_id)


def _unrouted(request: web.Request, status: int) -> web.Response:
    if request.method == "OPTIONS":
        return web.Response()
    return web.Response(status=status, text=_ROUTER_TEXTS.get(status, ""))


def _negotiated(request: web.Request, response: web.Response) -> web.Response:
    """Returns the response in YAML if the request asks for it."""
    if YAML in request.headers.get("Accept", "") and isinstance(response.body, bytes) and response.body:
        with suppress(ValueError):
            response.body = yaml.safe_dump(json.loads(response.body), allow_unicode=True).encode()
            response.content_type = YAML
    return response
