"""HTTP sessions with the pack's timeouts, proxies, certificates and redirect rules."""

import ipaddress
import os
import ssl
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import urlsplit
from urllib.request import getproxies

from aiohttp import (
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    TraceConfig,
)

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
"""Of the request timeout: a failure to connect must be distinguishable from a missing response."""


class Redirected(ClientResponseError):
    """The server redirected a request with side effects, which took no effect."""


def open_session(
    *,
    timeout_seconds: float,
    proxy: str | None = None,
    keepalive_seconds: float = 15.0,
    trace_configs: Sequence[TraceConfig] = (),
    peer_clock: PeerClock | None = None,
    response_class: type[ClientResponse] = ClientResponse,
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
            ssl=_ssl_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
            keepalive_timeout=keepalive_seconds,
        ),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=timeout_seconds, connect=timeout_seconds * _CONNECT_SHARE),
        proxy=proxy,
        middlewares=(_refuse_redirects,) if peer_clock is None else (_refuse_redirects, peer_clock.observe),
        trace_configs=list(trace_configs),
        response_class=response_class,
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


@lru_cache(maxsize=4)
def _ssl_context(_file: str | None, _directory: str | None) -> ssl.SSLContext:
    """Cached by the environment's settings, since reading the certificates takes 20 ms."""
    return ssl.create_default_context()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def _refuse_redirects(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    response = await handler(request)
    if request.method in _SAFE_METHODS or response.status not in _REDIRECTS:
        return response
    response.close()
    raise Redirected(response.request_info, (), status=response.status, message="redirected", headers=response.headers)
