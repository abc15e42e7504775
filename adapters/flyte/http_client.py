"""One HTTP request to Flyte at a time: to its origin only, once, within a time and a size."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import ClientError, ClientResponse, ClientSession, TraceConfig, TraceRequestHeadersSentParams
from yarl import URL

from adapters.flyte import errors
from adapters.flyte.response import FlyteResponse
from adapters.http.dates import server_time
from adapters.http.session import Redirected, open_session, proxy_for
from domain.errors import WorkflowInDoubt, WorkflowUnreachable

MAX_BODY_BYTES = 64 * 1024 * 1024
"""Bytes of an answer that are read."""

_KEEPALIVE_SECONDS = 4.0
"""The shortest time after which servers and gateways commonly close an idle connection is 5 s (Node.js, some HAProxy
set-ups). A request on a connection that is just being closed would be in doubt although nobody read it."""

_API_VERSION = "v1"
_MAX_REDIRECTS = 5
_CHUNK_BYTES = 64 * 1024
_STATUSES_WITH_BODY = (HTTPStatus.OK, HTTPStatus.CREATED)


class _RequestState:
    """How far a request has come."""

    was_sent = False


class FlyteHttpClient:
    """The way to one Flyte, for the time of `open`."""

    def __init__(self, api_url: str, *, jwt: str = "", timeout_seconds: float = 10.0) -> None:
        base = URL(api_url)
        self._headers = _headers(base, jwt)
        self._timeout_seconds = timeout_seconds
        self._session: ClientSession | None = None
        self.root = _root(base)
        """Where the API's own links are."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hold the session that all requests use; leaving closes it."""
        tracing = TraceConfig()
        tracing.on_request_headers_sent.append(_mark_sent)
        session = open_session(
            timeout_seconds=self._timeout_seconds,
            proxy=proxy_for(str(self.root)),
            keepalive_seconds=_KEEPALIVE_SECONDS,
            trace_configs=[tracing],
        )
        async with session:
            self._session = session
            try:
                yield
            finally:
                self._session = None

    async def get(self, url: URL) -> FlyteResponse:
        """The response, whatever its status; redirects are followed within the origin. WorkflowUnreachable."""
        for _ in range(_MAX_REDIRECTS + 1):
            response, location = await self._send("GET", url, None)
            if not location:
                return response
            target = _join(url, location)
            if target is None or not self._is_same_origin(target):
                raise errors.redirected("GET", url, response.status, location)
            url = target
        raise errors.not_flyte(url, "it redirects without end")

    async def post(self, url: URL, body: bytes | None) -> FlyteResponse:
        """The response, whatever its status. WorkflowUnreachable, when it did not go out or was redirected;
        WorkflowInDoubt, when it went out and no whole answer came.
        """
        response, location = await self._send("POST", url, body)
        if location:
            raise errors.redirected("POST", url, response.status, location)
        return response

    def require_same_origin(self, url: URL) -> None:
        """WorkflowUnreachable for a link that leads out of Flyte's origin."""
        if not self._is_same_origin(url):
            raise errors.foreign_link(url, self.root)

    def _is_same_origin(self, url: URL) -> bool:
        return (url.scheme, url.host, url.port) == (self.root.scheme, self.root.host, self.root.port)

    async def _send(self, method: str, url: URL, body: bytes | None) -> tuple[FlyteResponse, str]:
        """The response, and where it redirects to; empty for nowhere."""
        self.require_same_origin(url)
        if self._session is None:
            raise WorkflowUnreachable("the connection to Flyte is not open yet, or not any more")
        state = _RequestState()
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=state
            ) as response:
                return await _read(method, url, response)
        except Redirected as redirect:
            location = redirect.headers.get("Location", "") if redirect.headers else ""
            raise errors.redirected(method, url, redirect.status, location) from None
        except (ClientError, OSError) as error:
            raise errors.no_response(method, url, error, was_sent=state.was_sent) from error


async def _mark_sent(_session: ClientSession, context: object, _sent: TraceRequestHeadersSentParams) -> None:
    state = getattr(context, "trace_request_ctx", None)
    if isinstance(state, _RequestState):
        state.was_sent = True


async def _read(method: str, url: URL, response: ClientResponse) -> tuple[FlyteResponse, str]:
    is_redirect = HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST
    location = response.headers.get("Location", "") if is_redirect else ""
    body = await _read_body(method, url, response) if response.status in _STATUSES_WITH_BODY else b""
    answer = FlyteResponse(method, url, response.status, response.content_type, body, server_time(response.headers))
    return answer, location


async def _read_body(method: str, url: URL, response: ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            size = f"{method} {errors.redact(url)} was answered with more than {MAX_BODY_BYTES // 1024**2} MiB"
            raise WorkflowInDoubt(size) if method == "POST" else WorkflowUnreachable(size)
    return bytes(body)


def _root(base: URL) -> URL:
    """`http://host/prefix` and `http://host/prefix/v1/` both mean `http://host/prefix/v1`."""
    parts = [part for part in base.raw_path.split("/") if part]
    if parts[-1:] != [_API_VERSION]:
        parts.append(_API_VERSION)
    return base.with_user(None).with_query(None).with_fragment(None).with_path("/" + "/".join(parts), encoded=True)


def _headers(base: URL, jwt: str) -> dict[str, str]:
    """Who asks: by the JWT, else by the user and password of the base URL."""
    headers = {"Accept": "application/json"}
    if jwt:
        headers["Authorization"] = f"Bearer {jwt}"
    elif base.user is not None:
        pair = f"{base.user}:{base.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return headers


def _join(url: URL, location: str) -> URL | None:
    try:
        return url.join(URL(location)).with_user(None)
    except ValueError:
        return None
