"""Faults of the simulated Flyte, besides those that every simulated server has."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web

from entrypoints.simulation.faults import CannedResponse, ChangedResponse
from entrypoints.simulation.flyte.routes import ActionResponse, NoResponse

_BINARY: Final = "application/octet-stream"
_PAGE: Final = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"


@dataclass(frozen=True, slots=True)
class LostRace(CannedResponse):
    """500 on `take`, as when another replica was quicker; with `is_gone` that one has the oldest action now."""

    name: str = "lost_race"
    status: int = 500
    content_type: str = _BINARY
    is_gone: bool = False


def audit_race(*, is_lost: bool = False) -> ChangedResponse:
    """On `take`: the action stays `NEW` in the audit, as if it had been taken before its record was inserted.

    With `is_lost` the connection is reset instead of the response.
    """
    return ChangedResponse("audit_race", partial(_keep_new, is_lost=is_lost))


def status(code: int) -> CannedResponse:
    """The status with an empty body."""
    return CannedResponse(f"status {code}", code, content_type=_BINARY)


def html() -> CannedResponse:
    """200 with a page, as a captive portal or a proxy sends it."""
    return CannedResponse("html", 200, _PAGE, "text/html")


def redirect(location: str) -> CannedResponse:
    """302 to another address."""
    return CannedResponse("redirect", 302, content_type=_BINARY, headers={"Location": location})


def malformed() -> CannedResponse:
    """200 with truncated JSON."""
    return CannedResponse("malformed", 200, b'{"links": [{"href": "http')


def missing_links() -> ChangedResponse:
    """The response without its links."""
    return ChangedResponse("missing_links", _without_links)


def wrong_content_type() -> ChangedResponse:
    """The response with the content type of an image."""
    return ChangedResponse("wrong_content_type", _as_image)


def _keep_new(response: web.Response, *, is_lost: bool) -> web.Response:
    if not isinstance(response, ActionResponse):
        return response
    response.action.is_new_in_audit = True
    return NoResponse() if is_lost else response


def _without_links(response: web.Response) -> web.Response:
    try:
        body = json.loads(response.body) if isinstance(response.body, bytes) else None
    except ValueError:
        return response
    if isinstance(body, dict):
        body.pop("links", None)
        response.body = json.dumps(body).encode()
    return response


def _as_image(response: web.Response) -> web.Response:
    response.headers["Content-Type"] = "image/png"
    return response
