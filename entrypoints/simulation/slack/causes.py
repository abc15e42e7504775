"""The actions that cause requests: their ids travel from a pack in this process to the simulated Slack in a header."""

from contextvars import ContextVar
from types import SimpleNamespace
from typing import Final

from aiohttp import ClientSession, TraceConfig, TraceRequestStartParams, web
from aiohttp.typedefs import Handler

_HEADER: Final = "X-Simulated-Action"

current_action: Final[ContextVar[str]] = ContextVar("current_action", default="")
"""The id of the action that the current task carries out, or whose request it serves; empty if there is none."""


def mark_requests() -> TraceConfig:
    """Returns the configuration with which a session names the current action in each of its requests."""
    config = TraceConfig()
    config.on_request_start.append(_mark)
    return config


@web.middleware
async def read_mark(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Makes the action that a request names the current one while the request is served."""
    token = current_action.set(request.headers.get(_HEADER, ""))
    try:
        return await handler(request)
    finally:
        current_action.reset(token)


async def _mark(_session: ClientSession, _context: SimpleNamespace, request: TraceRequestStartParams) -> None:
    if action := current_action.get():
        request.headers[_HEADER] = action
