"""An HTTP client of Flyte: sends each request once, to Flyte's origin only, with limits of time and size."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import ClientRequest, ClientResponse, ClientSession
from yarl import URL

from adapters.flyte import errors
from adapters.flyte.body_readers import BodyReader, WholeBody
from adapters.flyte.response import FlyteResponse
from adapters.http.dates import server_time
from adapters.http.peer_clock import PeerClock
from adapters.http.session import Redirected, open_session, proxy_for
from adapters.system_clock import SYSTEM_CLOCK
from application.ports.clock import Clock
from domain.errors import WorkflowError, WorkflowUnreachable

_KEEPALIVE_SECONDS = 4.0
"""Servers and gateways commonly close idle connections after 5 s or more (Node.js, some HAProxy configurations). A
request on a connection that is being closed would be in doubt, although the server never read it."""

_API_VERSION = "v1"
_MAX_REDIRECTS = 5
_CHUNK_BYTES = 16 * 1024
_STATUSES_WITH_BODY = (HTTPStatus.OK, HTTPStatus.CREATED)
_MAX_REASON_BYTES = 256


class _RequestState:
    was_sent = False


_state: ContextVar[_RequestState] = ContextVar("state of the request")


class _Request(ClientRequest):
    """Notes in the context that it is being sent: from then on the server may have read it."""

    async def send(self, conn: Any) -> ClientResponse:
        _state.get().was_sent = True
        return await super().send(conn)


class FlyteHttpClient:
    """A client of one Flyte, usable within `open`."""

    def __init__(
        self, api_url: str, *, jwt: str = "", timeout_seconds: float = 10.0, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        base = URL(api_url)
        self._headers = _headers(base, jwt)
        self._timeout_seconds = timeout_seconds
        self._peer_clock = PeerClock(clock)
        self._session: ClientSession | None = None
        self.root = _root(base)
        """The URL of the API's own links."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Holds the HTTP session of all requests."""
        session = open_session(
            timeout_seconds=self._timeout_seconds,
            proxy=proxy_for(str(self.root)),
            keepalive_seconds=_KEEPALIVE_SECONDS,
            peer_clock=self._peer_clock,
            request_class=_Request,
        )
        async with session:
            self._session = session
            try:
                yield
            finally:
                self._session = None

    def now(self) -> datetime:
        """Returns the time by Flyte's clock; by `clock` until the first response."""
        return self._peer_clock.now()

    def clock_ahead(self) -> timedelta:
        """Returns how far the pack's own clock is ahead of Flyte's."""
        return self._peer_clock.ahead()

    async def get(self, url: URL, reader: BodyReader | None = None) -> FlyteResponse:
        """Returns the response, whatever its status, after redirects within the origin. Raises WorkflowUnreachable.

        `reader` reads the body of a 200 or 201; without one, 8 MiB are read at most. ResponseTooLarge if there is more.
        """
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._send("GET", url, None, reader)
            if not response.location:
                return response
            target = _join(url, response.location)
            if target is None or not self._is_same_origin(target):
                raise errors.redirected("GET", url, response.status, response.location)
            url = target
        raise errors.not_flyte(url, "it redirects endlessly")

    async def post(self, url: URL, body: bytes | None, reader: BodyReader | None = None) -> FlyteResponse:
        """Returns the response, whatever its status, its body read as by `get`.

        Raises WorkflowUnreachable if the request was not sent or was redirected, and WorkflowInDoubt if it was sent and
        got no complete response, or one that is too large.
        """
        response = await self._send("POST", url, body, reader)
        if response.location:
            raise errors.redirected("POST", url, response.status, response.location)
        return response

    def require_same_origin(self, url: URL) -> None:
        """Raises NotFlyte for a link to another origin than Flyte's."""
        if not self._is_same_origin(url):
            raise errors.foreign_link(url, self.root)

    def _is_same_origin(self, url: URL) -> bool:
        return (url.scheme, url.host, url.port) == (self.root.scheme, self.root.host, self.root.port)

    async def _send(self, method: str, url: URL, body: bytes | None, reader: BodyReader | None) -> FlyteResponse:
        self.require_same_origin(url)
        if self._session is None:
            raise WorkflowUnreachable("the connection to Flyte is not open")
        state = _RequestState()
        _state.set(state)
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return await _read(method, url, response, reader or WholeBody())
        except Redirected as redirect:
            location = redirect.headers.get("Location", "") if redirect.headers else ""
            raise errors.redirected(method, url, redirect.status, location) from None
        except WorkflowError:
            raise
        except Exception as error:
            # Of aiohttp and others, whatever a server sends: none of them may end the pack.
            raise errors.no_response(method, url, error, was_sent=state.was_sent) from error


async def _read(method: str, url: URL, response: ClientResponse, reader: BodyReader) -> FlyteResponse:
    is_redirect = HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST
    body = b""
    if response.status in _STATUSES_WITH_BODY:
        await _read_body(method, url, response, reader)
        body = reader.body()
    elif response.status == HTTPStatus.NOT_FOUND:
        body = await _read_reason(response)
    return FlyteResponse(
        method,
        url,
        response.status,
        response.content_type,
        location=response.headers.get("Location", "") if is_redirect else "",
        body=body,
        server_time=server_time(response.headers),
    )


async def _read_body(method: str, url: URL, response: ClientResponse, reader: BodyReader) -> None:
    size = 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        size += len(chunk)
        if size > reader.max_bytes:
            raise errors.too_large(method, url, reader.max_bytes)
        try:
            reader.feed(chunk)
        except ValueError as error:
            raise errors.not_flyte(url, f"its response can't be read ({error})") from error
        if size > _CHUNK_BYTES:
            await asyncio.sleep(0)  # what has arrived already is read without a pause


async def _read_reason(response: ClientResponse) -> bytes:
    try:
        return await response.content.read(_MAX_REASON_BYTES)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the status has arrived
        return b""


def _root(base: URL) -> URL:
    """Appends `v1` to the path, unless it is there already."""
    parts = [part for part in base.raw_path.split("/") if part]
    if parts[-1:] != [_API_VERSION]:
        parts.append(_API_VERSION)
    return base.with_user(None).with_query(None).with_fragment(None).with_path("/" + "/".join(parts), encoded=True)


def _headers(base: URL, jwt: str) -> dict[str, str]:
    """Authenticates by the JWT, otherwise by the user and password of the base URL."""
    headers = {"Accept": "application/json"}
    if jwt:
        headers["Authorization"] = f"Bearer {jwt}"
    elif base.user is not None:
        credentials = f"{base.user}:{base.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(credentials).decode()}"
    return headers


def _join(url: URL, location: str) -> URL | None:
    try:
        return url.join(URL(location)).with_user(None)
    except ValueError:
        return None
