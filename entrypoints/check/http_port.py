"""The pack's HTTP port: free, or used by the pack that runs already; and Slack's way in by signed requests."""

import json
import secrets
import socket
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import ClientError, ClientSession

from adapters.http.session import open_session
from adapters.slack.diagnostics import signed_challenge
from application.health import CHECKS
from application.ports.clock import Clock
from entrypoints.check.findings import Finding, failed, ok, skipped, warning
from entrypoints.config.settings import ReceiveMode, Settings
from entrypoints.http import SLACK_PATH, PortUnavailable, port_unavailable, url_at

PORT = "http port"
REQUESTS = "slack requests"

_REQUEST_SECONDS: Final = 2.0
"""For one request to this machine."""

_LOOPBACK_FOR: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_MAX_BODY_BYTES: Final = 65536
_VERIFY: Final = (
    "api.slack.com/apps > your app > Event Subscriptions > Enable Events On > Request URL: "
    f"https://YOUR-HOST{SLACK_PATH}, which has to lead to this port and to say Verified"
)
_REVEAL: Final = (
    "api.slack.com/apps > your app > Basic Information > App Credentials > Signing Secret > Show, set "
    "FLYTE_SLACK_SIGNING_SECRET to it for the pack too, and start the pack again"
)


@dataclass(frozen=True, slots=True)
class RunningPack:
    """A pack that answers on this machine."""

    url: str
    problem: str
    """What its health says; empty when all is well."""


Running = Awaitable[RunningPack | None]
"""The pack that runs with this configuration already, if there is one."""


async def find_running_pack(settings: Settings) -> RunningPack | None:
    """The pack at the port that the settings name; None when nothing like a pack answers there."""
    if settings.http_port == 0:
        return None
    url = url_at(_LOOPBACK_FOR.get(settings.http_host, settings.http_host), settings.http_port)
    try:
        async with open_session(timeout_seconds=_REQUEST_SECONDS) as session, session.get(url) as response:
            checks = json.loads(await response.content.read(_MAX_BODY_BYTES))
            troubles = {name: checks[name]["status"] for name in CHECKS if not checks[name]["healthy"]}
    except (ClientError, OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return RunningPack(url, "; ".join(f"{name}: {status}" for name, status in troubles.items()))


async def check_http(settings: Settings, clock: Clock, running: Running) -> AsyncGenerator[Finding, None]:
    """The port, and where Slack's signed requests are taken, that too."""
    pack = await running
    yield _check_port(settings, pack)
    if settings.receive_mode is not ReceiveMode.HTTP or settings.slack_signing_secret is None:
        return
    if pack is None:
        yield skipped(REQUESTS, "no pack runs here to send one to; once it does:", _VERIFY)
    else:
        yield await _check_requests(pack, settings.slack_signing_secret.reveal(), clock)


def _check_port(settings: Settings, pack: RunningPack | None) -> Finding:
    if pack is not None and pack.problem:
        mend = "see the findings here, and what `unhealthy` and `warning` say in its log"
        return warning(PORT, f"the pack that runs there is not healthy: {pack.problem}", mend)
    if pack is not None:
        return ok(PORT, f"the pack that runs at {pack.url} is healthy")
    try:
        _bind(settings.http_host, settings.http_port)
    except PortUnavailable as error:
        message, _, mend = str(error).partition("; ")
        return failed(PORT, message, mend)
    port = settings.http_port
    return ok(PORT, f"{settings.http_host}:{port} is free" if port else "a free one will be taken")


def _bind(host: str, port: int) -> None:
    """PortNotFree when nobody could listen there."""
    try:
        first, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = first
        with socket.socket(family, kind) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(address)
    except OSError as error:
        raise port_unavailable(error, host, port) from error


async def _check_requests(pack: RunningPack, signing_secret: str, clock: Clock) -> Finding:
    challenge = secrets.token_urlsafe(24)
    headers, body = signed_challenge(signing_secret, challenge, clock)
    try:
        async with open_session(timeout_seconds=_REQUEST_SECONDS) as session:
            status, text = await _post(session, pack.url + SLACK_PATH, headers, body)
    except (ClientError, OSError) as error:
        return failed(REQUESTS, f"the pack did not answer ({type(error).__name__})", "start the pack again")
    return _assess_answer(status, is_right=text == challenge)


async def _post(session: ClientSession, url: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
    async with session.post(url, data=body, headers=headers) as response:
        return response.status, (await response.content.read(_MAX_BODY_BYTES)).decode("utf-8", "replace")


def _assess_answer(status: int, *, is_right: bool) -> Finding:
    if status == HTTPStatus.OK and is_right:
        return ok(REQUESTS, f"the pack takes them at {SLACK_PATH}, signed with FLYTE_SLACK_SIGNING_SECRET")
    if status == HTTPStatus.NOT_FOUND:
        mend = "start the pack again with FLYTE_SLACK_SIGNING_SECRET set and FLYTE_SLACK_APP_TOKEN not set"
        return failed(REQUESTS, f"the pack that runs here has no {SLACK_PATH}: it hears otherwise", mend)
    if status == HTTPStatus.UNAUTHORIZED:
        return failed(REQUESTS, "the pack that runs here has another signing secret than this one", _REVEAL)
    return failed(REQUESTS, f"the pack answered a signed challenge with {status}", "start the pack again")
