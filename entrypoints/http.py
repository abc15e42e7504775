"""The pack's HTTP port: health, liveness, and Slack's signed requests."""

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, TypeAlias

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from application.health import HealthRegistry

log = structlog.get_logger()

SlackRequestHandler: TypeAlias = Callable[[Mapping[str, str], bytes], Awaitable[tuple[int, str]]]
"""Takes a request's headers (names in any case) and raw body; returns the response's status and text."""

SLACK_PATH: Final = "/slack/events"
_MAX_BODY_BYTES: Final = 1024 * 1024
_BODY_TIMEOUT_SECONDS: Final = 10.0
_SHUTDOWN_SECONDS: Final = 3.0
_LINGERING_SECONDS: Final = 2.0
_KEEPALIVE_SECONDS: Final = 75.0
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class PortUnavailable(OSError):
    """The pack can't listen on the configured address. The text names the variable to change."""


class HttpServer:
    """Serves `/` and `/live`, and `/slack/events` when it has a handler for Slack's requests."""

    def __init__(
        self, health: HealthRegistry, *, host: str, port: int, slack_handler: SlackRequestHandler | None = None
    ) -> None:
        """Port 0 picks a free port."""
        self._health = health
        self._host = host
        self._port = port
        self._slack_handler = slack_handler
        self.url = ""
        """The base URL, without a trailing slash; empty until the server listens."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen until the context ends. Raises PortUnavailable."""
        runner = web.AppRunner(
            self._app(),
            access_log=None,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            lingering_time=_LINGERING_SECONDS,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        await runner.setup()
        try:
            await self._listen(runner)
            log.info("listening", url=self.url)
            yield
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> None:
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            raise port_unavailable(error, self._host, self._port) from error
        self.url = url_at(self._host, runner.addresses[0][1])

    def _app(self) -> web.Application:
        # aiohttp also rejects a body of exactly client_max_size
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
    """Returns the URL of a port on a host, which may be an IPv6 address."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def port_unavailable(error: OSError, host: str, port: int) -> PortUnavailable:
    """Explains to the operator why the pack can't listen there."""
    if error.errno == errno.EADDRINUSE:
        return PortUnavailable(
            f"FLYTE_SLACK_HTTP_PORT: port {port} is in use by another program; stop that program, or set another port "
            "(0 picks a free one)"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return PortUnavailable(f"FLYTE_SLACK_HTTP_PORT: no permission to listen on port {port}; set a port above 1023")
    return PortUnavailable(
        f"FLYTE_SLACK_HTTP_HOST: can't listen on {host!r}: {error.strerror or error}; set an address of this machine, "
        "or 0.0.0.0 for all of them"
    )


async def _get_liveness(_: web.Request) -> web.Response:
    return web.json_response({"live": True}, headers=_HEADERS)


def _handle_with(slack_handler: SlackRequestHandler) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_BODY_TIMEOUT_SECONDS):
                body = await request.read()
        except TimeoutError:
            return web.Response(status=HTTPStatus.REQUEST_TIMEOUT, headers={"Connection": "close"})
        status, text = await slack_handler(request.headers, body)
        return web.Response(status=status, text=text, headers=_HEADERS)

    return handle


@web.middleware
async def _reject_large_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Checks the declared length on every path; aiohttp measures bodies of undeclared length while reading."""
    length = request.content_length
    if length is not None and length > _MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(max_size=_MAX_BODY_BYTES, actual_size=length)
    return await handler(request)
