"""Restricts the page to its own origin: checks `Host`, `Origin` and a token, and sets the security headers."""

import hmac
import secrets
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from entrypoints.simulation.local_requests import has_own_origin

SOCKET_PROTOCOL: Final = "flyte-slack.workbench"
"""Subprotocol of the page's WebSocket. The token is offered as a second one: browsers let scripts set no header."""
TOKEN_HEADER: Final = "X-Workbench-Token"  # noqa: S105 - a header's name

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws://{host}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)


class AccessGuard:
    """Middleware for every request. Actions and the socket require the page's own `Origin` and its token."""

    def __init__(self) -> None:
        self.token: Final = secrets.token_urlsafe(32)
        self.hosts: frozenset[str] = frozenset()
        """Accepted `Host` headers. Any other one means DNS rebinding: a foreign name that points to this machine."""

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Passes a request on or rejects it with 403, and adds the security headers to every response."""
        try:
            if not self._is_allowed(request):
                raise web.HTTPForbidden(text="This page is only available to the machine that serves it.\n")
            response = await handler(request)
        except web.HTTPException as rejection:
            rejection.headers.update(self._headers(request))
            raise
        if not response.prepared:
            response.headers.update(self._headers(request))
        return response

    def _is_allowed(self, request: web.Request) -> bool:
        if request.headers.get("Host") not in self.hosts:
            return False
        is_reading = request.method in ("GET", "HEAD") and "Upgrade" not in request.headers
        return is_reading or (has_own_origin(request) and self._has_token(request))

    def _has_token(self, request: web.Request) -> bool:
        protocols = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        candidates = [request.headers.get(TOKEN_HEADER, ""), *(protocol.strip() for protocol in protocols)]
        token = self.token.encode()
        return any(hmac.compare_digest(candidate.encode(errors="replace"), token) for candidate in candidates)

    def _headers(self, request: web.Request) -> dict[str, str]:
        host = request.host if request.host in self.hosts else "127.0.0.1"
        return {
            "Cache-Control": "no-store",
            "Content-Security-Policy": _POLICY.format(host=host),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
