"""Faults of the simulated Slack: responses that replace the proper one, and the targets besides the API methods."""

import json
from typing import Final

from entrypoints.simulation.faults import CannedResponse

HANDSHAKE: Final = "websocket"
"""The target for faults of a WebSocket's opening handshake."""
HELLO: Final = "websocket.hello"
"""The target for faults of a WebSocket's first frame: `Hang()` opens it and never sends `hello`."""


def rate_limited(retry_after_seconds: int = 1) -> CannedResponse:
    """429 with `Retry-After`."""
    body = json.dumps({"ok": False, "error": "ratelimited"}).encode()
    return CannedResponse("rate_limited", 429, body, headers={"Retry-After": str(retry_after_seconds)})


def error(code: str, *, after_effect: bool = False, **more: object) -> CannedResponse:
    """`ok: false` with this code and any further fields."""
    body = json.dumps({"ok": False, "error": code, **more}).encode()
    return CannedResponse(f"error {code}", 200, body, after_effect=after_effect)


def http_status(status: int, *, after_effect: bool = False) -> CannedResponse:
    """The status with an HTML page, as a proxy in front of Slack sends it."""
    page = f"<html><body><h1>{status}</h1>Something went wrong.</body></html>".encode()
    return CannedResponse(f"status {status}", status, page, "text/html", after_effect=after_effect)


def malformed_json(*, after_effect: bool = False) -> CannedResponse:
    """200 with truncated JSON."""
    return CannedResponse("malformed_json", 200, b'{"ok": true, "ts": "17', after_effect=after_effect)


def empty_body(*, after_effect: bool = False) -> CannedResponse:
    """200 with an empty body."""
    return CannedResponse("empty_body", 200, after_effect=after_effect)


def plain_text(text: str = "upstream request timeout", *, after_effect: bool = False) -> CannedResponse:
    """200 with plain text."""
    return CannedResponse("plain_text", 200, text.encode(), "text/plain", after_effect=after_effect)
