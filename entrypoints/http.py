"""The pack's HTTP port: health, liveness, readiness, and Slack's signed requests."""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, Protocol, TypeAlias, cast

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from application.health import HealthRegistry
from domain.json_values import JsonObject
from entrypoints.http_limits import Connection, ConnectionLimits

log = structlog.get_logger()

SLACK_PATH: Final = "/slack/events"
_MAX_BODY_BYTES: Final = 1024 * 1024
_WAIT_SECONDS: Final = 10.0
"""How long a peer may take for a request, a body, or the reading of a response."""
_SHUTDOWN_SECONDS: Final = 3.0
_LINGERING_SECONDS: Final = 2.0
_KEEPALIVE_SECONDS: Final = 75.0
"""The idle time between Slack's requests: longer than load balancers keep idle connections."""
_MAX_REASON_LENGTH: Final = 100
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class PortUnavailable(OSError):
    """The pack can't listen on the configured address. The text names the variable to change."""


class SlackRequestHandler(Protocol):
    """Answers Slack's requests. Names of headers are in any case."""

    @property
    def is_receiving(self) -> bool:
        """Whether events can be taken at the moment."""

    def refuse(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Returns the status and text of the response if the headers rule out that Slack sent this; otherwise None."""

    async def handle_request(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str | JsonObject]:
        """Returns the status of the response and its text or JSON. 401: Slack did not send this."""


RenderMetrics: TypeAlias = Callable[[str], tuple[bytes, str]]
"""Returns the metrics in the format that a header `Accept` asks for, and their content type."""


class HttpServer:
    """Serves `/`, `/live`, `/ready` and, if there are any, `/metrics`, and `/slack/events` if it has a handler."""

    def __init__(
        self,
        health: HealthRegistry,
        *,
        host: str,
        port: int,
        slack_handler: SlackRequestHandler | None = None,
        metrics: RenderMetrics | None = None,
        wait_seconds: float = _WAIT_SECONDS,
    ) -> None:
        """Port 0 picks a free port. A connection that keeps the pack waiting for `wait_seconds` is closed."""
        self._health = health
        self._host = host
        self._port = port
        self._slack_handler = slack_handler
        self._metrics = metrics
        self._limits = ConnectionLimits(wait_seconds)
        self.url = ""
        """The base URL, without a trailing slash; empty until the server listens."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listens until the context ends. Raises PortUnavailable."""
        runner = web.AppRunner(
            self._app(),
            access_log=None,
            auto_decompress=False,  # signatures cover what was sent, and small bodies can inflate to large ones
            keepalive_timeout=_KEEPALIVE_SECONDS,
            lingering_time=_LINGERING_SECONDS,
            logger=_PeerErrors("http"),
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        await runner.setup()
        try:
            async with self._listening(runner):
                log.info("listening", url=self.url)
                yield
        finally:
            await runner.cleanup()

    @asynccontextmanager
    async def _listening(self, runner: web.AppRunner) -> AsyncIterator[None]:
        new_protocol = cast("web.Server", runner.server)  # the runner is set up
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(lambda: self._limits.guard(new_protocol()), self._host, self._port)
        except OSError as error:
            raise port_unavailable(error, self._host, self._port) from error
        self.url = url_at(self._host, server.sockets[0].getsockname()[1])
        try:
            yield
        finally:
            server.close()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._keep_limits])
        app.router.add_get("/", self._get_health)
        app.router.add_get("/live", _get_liveness)
        app.router.add_get("/ready", self._get_readiness)
        if self._metrics is not None:
            app.router.add_get("/metrics", _get_with(self._metrics))
        if self._slack_handler is not None:
            app.router.add_post(SLACK_PATH, self._handle_with(self._slack_handler))
        return app

    @web.middleware
    async def _keep_limits(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = self._limits.connection(request.transport)
        connection.begin_request()
        try:
            _check_length(request.content_length or 0)
            return await handler(request)
        except (web.HTTPException, web.RequestPayloadError, ConnectionError):
            raise
        except Exception:
            log.exception("http_request_failed", path=request.path)
            raise web.HTTPInternalServerError from None
        finally:
            connection.wait_for_request(_KEEPALIVE_SECONDS if connection.is_trusted else None)

    def _handle_with(self, slack: SlackRequestHandler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            if refusal := slack.refuse(request.headers):
                return _respond(*refusal)
            connection = self._limits.connection(request.transport)
            status, content = await slack.handle_request(request.headers, await _read_body(request, connection))
            connection.is_trusted = connection.is_trusted or status != HTTPStatus.UNAUTHORIZED
            return _respond(status, content)

        return handle

    async def _get_readiness(self, _: web.Request) -> web.Response:
        is_receiving = self._slack_handler is None or self._slack_handler.is_receiving
        is_ready = is_receiving and self._health.checks()["storage"].healthy
        status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response({"ready": is_ready}, status=status, headers=_HEADERS)

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


def _get_with(render: RenderMetrics) -> Handler:
    async def get(request: web.Request) -> web.Response:
        body, content_type = render(",".join(request.headers.getall("Accept", [])))
        return web.Response(body=body, headers={**_HEADERS, "Content-Type": content_type})

    return get


async def _read_body(request: web.Request, connection: Connection) -> bytes:
    body = bytearray()
    connection.wait_for_body()
    try:
        async for piece in request.content.iter_any():
            body += piece
            _check_length(len(body))
            connection.buffer(len(piece))
        connection.stop_waiting()
        return bytes(body)
    finally:
        body.clear()  # an error's traceback would hold it until the next garbage collection


def _check_length(size: int) -> None:
    if size > _MAX_BODY_BYTES:
        raise web.HTTPRequestEntityTooLarge(max_size=_MAX_BODY_BYTES, actual_size=size)


def _respond(status: int, content: str | JsonObject) -> web.Response:
    if isinstance(content, str):
        response = web.Response(status=status, text=content, headers=_HEADERS)
    else:
        response = web.json_response(content, status=status, headers=_HEADERS)
    if status == HTTPStatus.UNAUTHORIZED:
        response.force_close()
    return response


class _PeerErrors(logging.Logger):
    """Where aiohttp reports malformed requests and broken connections; errors of the pack itself don't get here."""

    def handle(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if record.levelno >= logging.WARNING and not isinstance(error, ConnectionError):
            reason = str(getattr(error, "message", "") or type(error).__name__).partition("\n")[0].rstrip(": ")
            log.warning("http_request_malformed", reason=reason[:_MAX_REASON_LENGTH])
