"""Checks that Slack hands out a socket address, and that the socket opens."""

import asyncio
from typing import Final

from adapters.slack.diagnostics import SocketDiagnostics
from adapters.slack.sockets.handshake import MAX_CONNECTIONS, SocketRefused
from domain.errors import ChatError, ChatRejected, RateLimited
from entrypoints.check.findings import Finding, failed, ok, problem, skipped, warning

APP_TOKEN = "slack app token"  # noqa: S105 - the name of a check
RTM = "slack rtm"
SOCKET = "slack socket"

_GRANTED: Final = {
    APP_TOKEN: "Slack hands out socket addresses for it",
    RTM: "the token belongs to a classic app and can use RTM",
}
_REMEDIES: Final = {
    APP_TOKEN: (
        "api.slack.com/apps > your app > Basic Information > App-Level Tokens > Generate Token and Scopes > Add Scope "
        "> connections:write > Generate, and set FLYTE_SLACK_APP_TOKEN to the token, which begins with xapp-"
    ),
    RTM: (
        "create an app from the manifest deploy/slack-app-socket-mode.yaml and set FLYTE_SLACK_APP_TOKEN (Socket "
        "Mode); or set FLYTE_SLACK_SIGNING_SECRET (signed HTTP requests)"
    ),
}
_ADDRESS: Final = "FLYTE_SLACK_API_URL"
_CORRECT_ADDRESS: Final = f"correct {_ADDRESS}, so that it leads to Slack"
_ENABLE: Final = "api.slack.com/apps > your app > Socket Mode > Enable Socket Mode"
_STOP_OTHERS: Final = "stop other programs that use this app's FLYTE_SLACK_APP_TOKEN"
_LET_THROUGH: Final = "allow wss:// connections from this machine to *.slack.com, through the proxy (HTTPS_PROXY) too"


def remedy_for(rejection: ChatRejected, otherwise: str) -> str:
    """Returns the remedy for a token that was not accepted; the address is to blame if it does not lead to Slack."""
    return _CORRECT_ADDRESS if _ADDRESS in str(rejection) else otherwise


async def check_socket(check: str, socket: SocketDiagnostics, seconds: float) -> list[Finding]:
    """Checks the token (`check` is APP_TOKEN or RTM) and a socket; each takes at most this many seconds."""
    try:
        url = await socket.request_url()
    except ChatError as error:
        return [_no_address(check, error), skipped(SOCKET, "Slack handed out no socket address")]
    return [ok(check, _GRANTED[check]), await _probe(socket, url, seconds)]


def _no_address(check: str, error: ChatError) -> Finding:
    if isinstance(error, RateLimited):
        return warning(check, str(error), "run the check again after that time")
    if isinstance(error, ChatRejected):
        return failed(check, problem(error), remedy_for(error, _REMEDIES[check]), ends_start=True)
    return failed(check, problem(error), "run the check again; see slack-status.com")


async def _probe(socket: SocketDiagnostics, url: str, seconds: float) -> Finding:
    try:
        async with asyncio.timeout(seconds):
            connections = await socket.probe(url)
    except SocketRefused as error:
        return failed(SOCKET, problem(error), _ENABLE if "link_disabled" in str(error) else _STOP_OTHERS)
    except ChatError as error:
        return failed(SOCKET, problem(error), _LET_THROUGH)
    except TimeoutError:
        return failed(SOCKET, f"no socket opened within {seconds:g} s", _LET_THROUGH)
    if connections is None:
        return ok(SOCKET, "opened and closed again")
    message = f"opened and closed again; {connections} of {MAX_CONNECTIONS} sockets in use"
    return ok(SOCKET, message) if connections < MAX_CONNECTIONS - 1 else warning(SOCKET, message, _STOP_OTHERS)
