"""HTTP sessions, for every adapter that speaks HTTP: time-outs, proxies, certificates, redirects."""

import ipaddress
import os
import ssl
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

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

_PROXY_SCHEMES = {"ws": "http", "wss": "https"}
_SAFE_METHODS = ("GET", "HEAD")
_CONNECT_SHARE = 0.8
"""Of the time for a request: a connection that does not come about must be told from an answer that does not."""


class Redirected(ClientResponseError):
    """The server wants a request that changes something to go elsewhere. It did not take effect."""


def open_session(
    *,
    timeout_seconds: float,
    proxy: str | None = None,
    keepalive_seconds: float = 15.0,
    trace_configs: Sequence[TraceConfig] = (),
) -> ClientSession:
    """A session to be closed by the caller (`async with`).

    `timeout_seconds` is for one request in all, from waiting for a connection to the last byte of the answer; the
    handshake of a socket counts as one. Certificates are checked against `SSL_CERT_FILE` where that is set. `proxy` is
    for all of its requests (`proxy_for`). Requests that change something follow no redirect: they raise Redirected.
    A connection that was idle for `keepalive_seconds` is not used again. Cookies are forgotten.

    aiohttp's own `trust_env` is not used: it knows HTTPS_PROXY for `https:` only, not for `wss:`, and adds the
    credentials of a `.netrc`, which collide with a bearer token.
    """
    return ClientSession(
        connector=TCPConnector(
            ssl=_ssl_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
            keepalive_timeout=keepalive_seconds,
        ),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=timeout_seconds, connect=timeout_seconds * _CONNECT_SHARE),
        proxy=proxy,
        middlewares=(_refuse_redirects,),
        trace_configs=list(trace_configs),
    )


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for this URL: HTTPS_PROXY or HTTP_PROXY, unless NO_PROXY exempts its host.

    None for a direct connection; always for plain `http:` on this machine itself, which no proxy can reach: a Flyte or
    a simulation beside the pack. Sockets (`wss:`) take the same way as `https:`.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    scheme = _PROXY_SCHEMES.get(parts.scheme, parts.scheme)
    proxy = getproxies().get(scheme)
    if not proxy or proxy_bypass(host) or (scheme == "http" and _is_loopback(host)):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


@lru_cache(maxsize=4)
def _ssl_context(_file: str | None, _directory: str | None) -> ssl.SSLContext:
    """The certificates that the environment names, read once while it names the same: reading takes 20 ms."""
    return ssl.create_default_context()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def _refuse_redirects(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    response = await handler(request)
    if request.method in _SAFE_METHODS or not _is_redirect(response):
        return response
    response.close()
    raise Redirected(response.request_info, (), status=response.status, message="redirected", headers=response.headers)


def _is_redirect(response: ClientResponse) -> bool:
    redirects = (
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    )
    return response.status in redirects
