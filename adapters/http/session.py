"""HTTP sessions with the pack's timeouts, proxies, certificates and redirect rules."""

import ipaddress
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from aiohttp import (
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    TraceConfig,
)

from adapters.http.certificates import trusted_certificates
from adapters.http.no_proxy import is_excluded
from adapters.http.peer_clock import PeerClock

_PROXY_SCHEMES = {"ws": "http", "wss": "https"}
_SAFE_METHODS = ("GET", "HEAD")
_REDIRECTS = (
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
)
_CONNECT_SHARE = 0.8
"""The share of the request timeout for connecting, so that a failure to connect differs from a missing response."""


class Redirected(ClientResponseError):
    """The server redirected a request with side effects, which took no effect."""


class CheckedResponse(ClientResponse):
    """Tells the session's clock the time, and refuses redirects of requests with side effects."""

    peer_clock: PeerClock | None = None

    async def start(self, connection: Any) -> ClientResponse:
        """Reads the headers. Raises Redirected."""
        await super().start(connection)
        if self.peer_clock is not None:
            self.peer_clock.observe(self.status, self.headers)
        if self.status in _REDIRECTS and self.method not in _SAFE_METHODS:
            raise Redirected(self.request_info, (), status=self.status, message="redirected", headers=self.headers)
        return self


def open_session(
    *,
    timeout_seconds: float,
    proxy: str | None = None,
    keepalive_seconds: float = 15.0,
    trace_configs: Sequence[TraceConfig] = (),
    peer_clock: PeerClock | None = None,
    request_class: type[ClientRequest] = ClientRequest,
    response_class: type[CheckedResponse] = CheckedResponse,
) -> ClientSession:
    """Returns a session for the caller to close (`async with`).

    `timeout_seconds` covers one request from connecting to the last byte of the response, or one WebSocket handshake.
    Certificates are verified against `SSL_CERT_FILE` if it is set. `proxy` applies to all requests (see `proxy_for`).
    Only requests without side effects follow redirects; others raise Redirected. Connections idle for longer than
    `keepalive_seconds` are closed. Cookies are discarded. `peer_clock` learns the server's time from every response.

    aiohttp's own `trust_env` is not used: it ignores HTTPS_PROXY for `wss:`, and adds the credentials of a `.netrc`,
    which conflict with a bearer token.
    """
    return ClientSession(
        connector=TCPConnector(
            ssl=trusted_certificates(),
            keepalive_timeout=keepalive_seconds,
        ),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=timeout_seconds, connect=timeout_seconds * _CONNECT_SHARE),
        proxy=proxy,
        trace_configs=list(trace_configs),
        request_class=request_class,
        # A subclass instead of middlewares, which would take CPU time of each request.
        response_class=type(response_class.__name__, (response_class,), {"peer_clock": peer_clock}),
    )


def proxy_for(url: str) -> str | None:
    """Returns the proxy for a URL from HTTPS_PROXY, HTTP_PROXY and NO_PROXY; None for a direct connection.

    Plain `http:` to this machine is always direct, since no proxy can reach a Flyte or a simulation there. WebSockets
    (`wss:`) use the proxy of `https:`.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    scheme = _PROXY_SCHEMES.get(parts.scheme, parts.scheme)
    proxies = getproxies()
    proxy = proxies.get(scheme)
    if not proxy or is_excluded(parts, proxies.get("no", "")) or (scheme == "http" and _is_loopback(host)):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
