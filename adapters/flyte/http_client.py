"""One HTTP request to Flyte at a time: to its origin only, once, within a time and a size."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import ClientError, ClientResponse, ClientSession, TraceConfig, TraceRequestHeadersSentParams
from yarl import URL

from adapters.flyte import errors
from adapters.flyte.response import Answer
from adapters.http.dates import server_time
from adapters.http.session import Redirected, open_session, proxy_for
from domain.errors import WorkflowInDoubt, WorkflowUnreachable

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes of an answer that are read."""

_KEEPALIVE_SECONDS = 4.0
"""The shortest time after which servers and gateways commonly close an idle connection is 5 s (Node.js, some HAProxy
set-ups). A request on a connection that is just being closed would be in doubt although nobody read it."""

_API_VERSION = "v1"
_REDIRECTS_FOLLOWED = 5
_CHUNK = 64 * 1024
_WITH_BODY = (HTTPStatus.OK, HTTPStatus.CREATED)


class _Sending:
    """How far a request has come."""

    went_out = False


class FlyteConnection:
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
        tracing.on_request_headers_sent.append(_note_that_it_went_out)
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

    async def get(self, url: URL) -> Answer:
        """The answer, whatever its status; redirects are followed within the origin. WorkflowUnreachable."""
        for _ in range(_REDIRECTS_FOLLOWED + 1):
            answer, location = await self._exchange("GET", url, None)
            if not location:
                return answer
            target = _joined(url, location)
            if target is None or not self._is_own(target):
                raise errors.redirected("GET", url, answer.status, location)
            url = target
        raise errors.not_flyte(url, "it redirects without end")

    async def post(self, url: URL, body: bytes | None) -> Answer:
        """The answer, whatever its status. WorkflowUnreachable, when it did not go out or was redirected;
        WorkflowInDoubt, when it went out and no whole answer came.
        """
        answer, location = await self._exchange("POST", url, body)
        if location:
            raise errors.redirected("POST", url, answer.status, location)
        return answer

    def refuse_foreign(self, url: URL) -> None:
        """WorkflowUnreachable for a link that leads out of Flyte's origin."""
        if not self._is_own(url):
            raise errors.foreign(url, self.root)

    def _is_own(self, url: URL) -> bool:
        return (url.scheme, url.host, url.port) == (self.root.scheme, self.root.host, self.root.port)

    async def _exchange(self, method: str, url: URL, body: bytes | None) -> tuple[Answer, str]:
        """The answer, and where it redirects to; empty for nowhere."""
        self.refuse_foreign(url)
        if self._session is None:
            raise WorkflowUnreachable("the connection to Flyte is not open yet, or not any more")
        sending = _Sending()
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=sending
            ) as response:
                return await _read(method, url, response)
        except Redirected as redirect:
            location = redirect.headers.get("Location", "") if redirect.headers else ""
            raise errors.redirected(method, url, redirect.status, location) from None
        except (ClientError, OSError) as error:
            raise errors.broken(method, url, error, went_out=sending.went_out) from error


async def _note_that_it_went_out(
    _session: ClientSession, context: object, _sent: TraceRequestHeadersSentParams
) -> None:
    sending = getattr(context, "trace_request_ctx", None)
    if isinstance(sending, _Sending):
        sending.went_out = True


async def _read(method: str, url: URL, response: ClientResponse) -> tuple[Answer, str]:
    is_redirect = HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST
    location = response.headers.get("Location", "") if is_redirect else ""
    body = await _read_body(method, url, response) if response.status in _WITH_BODY else b""
    answer = Answer(method, url, response.status, response.content_type, body, server_time(response.headers))
    return answer, location


async def _read_body(method: str, url: URL, response: ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > LARGEST_BODY:
            size = f"{method} {errors.shown(url)} was answered with more than {LARGEST_BODY // 1024**2} MiB"
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


def _joined(url: URL, location: str) -> URL | None:
    try:
        return url.join(URL(location)).with_user(None)
    except ValueError:
        return None
