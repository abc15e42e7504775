"""Keeps other sites' pages out: who may ask, by `Host`, `Origin` and a token; and what a browser may do with it."""

import hmac
import secrets
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

SOCKET_PROTOCOL: Final = "flyte-slack.workbench"
"""What the page's WebSocket speaks; the token comes beside it, since browsers let no other header through."""
TOKEN_HEADER: Final = "X-Workbench-Token"  # noqa: S105 - a header's name

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws://{host}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)


class AccessGuard:
    """Stands before every request. Deeds and the socket need the page's own `Origin`, and the token that is in it."""

    def __init__(self) -> None:
        self.token: Final = secrets.token_urlsafe(32)
        self.hosts: frozenset[str] = frozenset()
        """What a `Host` header may say: anything else is a name that somebody made point here."""

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request through or refuse it with 403; every answer gets the headers that bind the browser."""
        try:
            if not self._is_ours(request):
                raise web.HTTPForbidden(text="This page is for the machine that it runs on.\n")
            response = await handler(request)
        except web.HTTPException as refusal:
            refusal.headers.update(self._headers(request))
            raise
        if not response.prepared:
            response.headers.update(self._headers(request))
        return response

    def _is_ours(self, request: web.Request) -> bool:
        if request.headers.get("Host") not in self.hosts:
            return False
        is_reading = request.method in ("GET", "HEAD") and "Upgrade" not in request.headers
        return is_reading or (request.headers.get("Origin") == f"http://{request.host}" and self._has_token(request))

    def _has_token(self, request: web.Request) -> bool:
        offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        given = [request.headers.get(TOKEN_HEADER, ""), *(protocol.strip() for protocol in offered)]
        return any(hmac.compare_digest(one.encode(errors="replace"), self.token.encode()) for one in given)

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
