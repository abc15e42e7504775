"""The way from Slack by a socket: an address for one, the socket itself, and its closing."""

import asyncio
from typing import Final

from adapters.slack.diagnostics import SocketDiagnostics
from adapters.slack.sockets.handshake import MAX_CONNECTIONS, SocketRefused
from domain.errors import ChatError, ChatRejected, RateLimited
from entrypoints.check.findings import Finding, failed, ok, problem, skipped, warning

APP_TOKEN = "slack app token"  # noqa: S105 - the name of a check
RTM = "slack rtm"
SOCKET = "slack socket"

_NO_ADDRESS: Final = "there is no address to open one at"
_ALMOST_ALL: Final = MAX_CONNECTIONS - 1
_GENERATE: Final = (
    "api.slack.com/apps > your app > Basic Information > App-Level Tokens > Generate Token and Scopes > Add Scope > "
    "connections:write > Generate, and set FLYTE_SLACK_APP_TOKEN to the token, which begins with xapp-"
)
_SWITCH_ON: Final = "api.slack.com/apps > your app > Socket Mode > Enable Socket Mode"
_STOP_OTHERS: Final = "stop other programs that use this app's FLYTE_SLACK_APP_TOKEN"
_USE_MODERN_APP: Final = (
    "make an app from the manifest deploy/slack-app-socket-mode.yaml, and set FLYTE_SLACK_APP_TOKEN (Socket Mode); "
    "or set FLYTE_SLACK_SIGNING_SECRET (signed HTTP requests)"
)
_LET_THROUGH: Final = "let this machine open wss:// connections to *.slack.com; a proxy (HTTPS_PROXY) has to pass them"
_RETRY: Final = "run the check again; see slack-status.com"
_WAIT: Final = "run the check again after that time"


async def check_socket_mode(socket: SocketDiagnostics, seconds: float) -> list[Finding]:
    """The app-level token, and a socket; each takes so many seconds at most."""
    try:
        address = await socket.request_url()
    except ChatError as error:
        return [_no_address(APP_TOKEN, error, _GENERATE), skipped(SOCKET, _NO_ADDRESS)]
    taken = ok(APP_TOKEN, "Slack gives out addresses of sockets for it")
    return [taken, await _check_socket(socket, address, seconds)]


async def check_rtm(socket: SocketDiagnostics, seconds: float) -> list[Finding]:
    """Whether the bot's token can use RTM, and a socket; each takes so many seconds at most."""
    try:
        address = await socket.request_url()
    except ChatError as error:
        return [_no_address(RTM, error, _USE_MODERN_APP), skipped(SOCKET, _NO_ADDRESS)]
    taken = ok(RTM, "the token is a classic app's, and can use RTM")
    return [taken, await _check_socket(socket, address, seconds)]


def _no_address(check: str, error: ChatError, mend: str) -> Finding:
    if isinstance(error, RateLimited):
        return warning(check, str(error), _WAIT)
    return failed(check, problem(error), mend if isinstance(error, ChatRejected) else _RETRY)


async def _check_socket(socket: SocketDiagnostics, address: str, seconds: float) -> Finding:
    try:
        async with asyncio.timeout(seconds):
            connections = await socket.probe(address)
    except SocketRefused as shut:
        return failed(SOCKET, problem(shut), _SWITCH_ON if "link_disabled" in str(shut) else _STOP_OTHERS)
    except ChatError as error:
        return failed(SOCKET, problem(error), _LET_THROUGH)
    except TimeoutError:
        return failed(SOCKET, f"no socket was open within {seconds:g} s", _LET_THROUGH)
    if connections is None:
        return ok(SOCKET, "opened, greeted, and closed again")
    message = f"opened, greeted, and closed again; {connections} of {MAX_CONNECTIONS} were open with it"
    return ok(SOCKET, message) if connections < _ALMOST_ALL else warning(SOCKET, message, _STOP_OTHERS)
