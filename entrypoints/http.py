"""The pack's HTTP port: how it is doing, and the way in for Slack's signed requests."""

import asyncio
import errno
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self, TypeAlias

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from application.health import HealthRegistry

log = structlog.get_logger()

SlackRequestHandler: TypeAlias = Callable[[Mapping[str, str], bytes], Awaitable[tuple[int, str]]]
"""Takes the headers (by names in any case) and the raw body of a request; gives the status and text to answer."""

SLACK_PATH: Final = "/slack/events"
_MAX_BODY_BYTES: Final = 1024 * 1024
_BODY_TIMEOUT_SECONDS: Final = 10.0
_SHUTDOWN_SECONDS: Final = 3.0
_LINGERING_SECONDS: Final = 2.0
_KEEPALIVE_SECONDS: Final = 75.0
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class PortUnavailable(OSError):
    """The pack can't listen where it is told to. `str()` of it says which variable to change."""


class HttpServer:
    """Listens as long as it is entered (`async with`). PortNotFree when it can't."""

    def __init__(
        self, health: HealthRegistry, *, host: str, port: int, slack_handler: SlackRequestHandler | None = None
    ) -> None:
        """Port 0 takes a free one. Without `slack_requests` there is no `/slack/events`."""
        self._health = health
        self._host = host
        self._port = port
        self._slack_handler = slack_handler
        self._lifetime = AsyncExitStack()
        self.url = ""
        """Where it listens, without a slash at its end; empty before it does."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            runner = web.AppRunner(
                self._app(),
                access_log=None,
                keepalive_timeout=_KEEPALIVE_SECONDS,
                lingering_time=_LINGERING_SECONDS,
                shutdown_timeout=_SHUTDOWN_SECONDS,
            )
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await self._listen(runner)
            self._lifetime = stack.pop_all()
        log.info("listening", url=self.url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._lifetime.aclose()

    async def _listen(self, runner: web.AppRunner) -> None:
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            raise port_unavailable(error, self._host, self._port) from error
        self.url = url_at(self._host, runner.addresses[0][1])

    def _app(self) -> web.Application:
        # aiohttp refuses a body of exactly client_max_size too
        app = web.Application(client_max_size=_MAX_BODY_BYTES + 1, middlewares=[_reject_large_bodies])
        app.router.add_get("/", self._get_health)
        app.router.add_get("/live", _get_liveness)
        if self._slack_handler is not None:
            app.router.add_post(SLACK_PATH, _handle_with(self._slack_handler))
        return app

    async def _get_health(self, _: web.Request) -> web.Response:
        checks = {
            name: {"healthy": check.healthy, "status": check.status} for name, check in self._health.checks().items()
        }
        status = HTTPStatus.OK if self._health.is_healthy else HTTPStatus.INTERNAL_SERVER_ERROR
        return web.json_response(checks, status=status, headers=_HEADERS)


def url_at(host: str, port: int) -> str:
    """The URL of a host, which may be an IPv6 address, and a port."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _get_liveness(_: web.Request) -> web.Response:
    return web.json_response({"live": True}, headers=_HEADERS)


def _handle_with(slack_requests: SlackRequestHandler) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_BODY_TIMEOUT_SECONDS):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT, headers={"Connection": "close"})
        status, text = await slack_requests(request.headers, body)
        return web.Response(status=status, text=text, headers=_HEADERS)

    return answer


@web.middleware
async def _reject_large_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """By what they say of their length, whatever they are for; those that don't say are measured as they are read."""
    length = request.content_length
    if length is not None and length > _MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(max_size=_MAX_BODY_BYTES, actual_size=length)
    return await handler(request)


def port_unavailable(error: OSError, host: str, port: int) -> PortUnavailable:
    """What to tell the operator whose pack can't listen there, for this reason."""
    if error.errno == errno.EADDRINUSE:
        return PortUnavailable(
            f"FLYTE_SLACK_HTTP_PORT: port {port} is in use by another program; end that one, or set another port "
            "(0 takes a free one)"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return PortUnavailable(f"FLYTE_SLACK_HTTP_PORT: not allowed to listen on port {port}; set one above 1023")
    return PortUnavailable(
        f"FLYTE_SLACK_HTTP_HOST: can't listen on {host!r}: {error.strerror or error}; give an address of this machine, "
        "or 0.0.0.0 for all of them"
    )
