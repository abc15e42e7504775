"""Checks that the HTTP port is free or used by a running pack, and that the pack accepts Slack's signed requests."""

import json
import secrets
import socket
from collections.abc import AsyncGenerator, Awaitable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, TypeAlias

from aiohttp import ClientError

from adapters.http.session import open_session
from adapters.slack.diagnostics import signed_challenge
from application.ports.clock import Clock
from entrypoints.check.findings import Finding, advice, failed, ok, problem, skipped, warning
from entrypoints.cli.running_pack import LOOPBACK_FOR
from entrypoints.config.settings import ReceiveMode, Settings
from entrypoints.container.ports import HEALTH_CHECKS
from entrypoints.http import SLACK_PATH, PortUnavailable, port_unavailable, url_at

PORT = "http port"
REQUESTS = "slack requests"

_REQUEST_SECONDS: Final = 2.0
_MAX_BODY_BYTES: Final = 65536
_VERIFY: Final = (
    "api.slack.com/apps > your app > Event Subscriptions > Enable Events On > Request URL: "
    f"https://YOUR-HOST{SLACK_PATH}, which must lead to this port and show Verified"
)
_REVEAL: Final = (
    "api.slack.com/apps > your app > Basic Information > App Credentials > Signing Secret > Show, set "
    "FLYTE_SLACK_SIGNING_SECRET to it for the pack too, and restart the pack"
)


@dataclass(frozen=True, slots=True)
class RunningPack:
    """A pack that responds on this machine."""

    url: str
    problem: str
    """The statuses of its unhealthy checks; empty when it is healthy."""


Running: TypeAlias = Awaitable[RunningPack | None]
"""The pack that is running with this configuration, if any."""


async def find_running_pack(settings: Settings) -> RunningPack | None:
    """Returns the pack at the configured port; None when no pack responds there."""
    if settings.http_port == 0:
        return None
    url = url_at(LOOPBACK_FOR.get(settings.http_host, settings.http_host), settings.http_port)
    try:
        async with open_session(timeout_seconds=_REQUEST_SECONDS) as session, session.get(url) as response:
            checks = json.loads(await response.content.read(_MAX_BODY_BYTES))
            unhealthy = [f"{name}: {checks[name]['status']}" for name in HEALTH_CHECKS if not checks[name]["healthy"]]
    except (ClientError, OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return RunningPack(url, "; ".join(unhealthy))


async def check_http(settings: Settings, clock: Clock, running: Running) -> AsyncGenerator[Finding, None]:
    """Checks the port and, when the pack receives signed HTTP requests, those too."""
    pack = await running
    yield _check_port(settings, pack)
    if settings.receive_mode is not ReceiveMode.HTTP or settings.slack_signing_secret is None:
        return
    if pack is None:
        yield skipped(REQUESTS, "no pack is running here to send a request to; once one is:", _VERIFY)
    else:
        yield await _check_requests(pack, settings.slack_signing_secret.reveal(), clock)


def _check_port(settings: Settings, pack: RunningPack | None) -> Finding:
    if pack is not None:
        return replace(_assess_running(pack), ends_start=f"a pack is running at {pack.url} already; stop it first")
    try:
        _bind(settings.http_host, settings.http_port)
    except PortUnavailable as error:
        return failed(PORT, problem(error), advice(error), ends_start=True)
    port = settings.http_port
    return ok(PORT, f"{settings.http_host}:{port} is free" if port else "the pack picks a free one")


def _assess_running(pack: RunningPack) -> Finding:
    if not pack.problem:
        return ok(PORT, f"the pack running at {pack.url} is healthy")
    remedy = "see the other findings, and the lines `unhealthy` and `warning` in its log"
    return warning(PORT, f"the pack running there is unhealthy: {pack.problem}", remedy)


def _bind(host: str, port: int) -> None:
    """Binds the address and releases it. Raises PortUnavailable."""
    try:
        (family, kind, _, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, kind) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        raise port_unavailable(error, host, port) from error


async def _check_requests(pack: RunningPack, signing_secret: str, clock: Clock) -> Finding:
    challenge = secrets.token_urlsafe(24)
    headers, body = signed_challenge(signing_secret, challenge, clock)
    url = pack.url + SLACK_PATH
    try:
        async with (
            open_session(timeout_seconds=_REQUEST_SECONDS) as session,
            session.post(url, data=body, headers=headers) as response,
        ):
            content = await response.content.read(_MAX_BODY_BYTES)
    except (ClientError, OSError) as error:
        return failed(REQUESTS, f"the pack did not respond ({type(error).__name__})", "restart the pack")
    return _assess_response(response.status, is_challenge=content == challenge.encode())


def _assess_response(status: int, *, is_challenge: bool) -> Finding:
    if status == HTTPStatus.OK and is_challenge:
        return ok(REQUESTS, f"the pack accepts requests to {SLACK_PATH} signed with FLYTE_SLACK_SIGNING_SECRET")
    if status == HTTPStatus.NOT_FOUND:
        remedy = "restart the pack with FLYTE_SLACK_SIGNING_SECRET set and FLYTE_SLACK_APP_TOKEN not set"
        return failed(REQUESTS, f"the pack running here has no {SLACK_PATH}: it does not receive HTTP requests", remedy)
    if status == HTTPStatus.UNAUTHORIZED:
        return failed(REQUESTS, "the pack running here has another signing secret than this one", _REVEAL)
    return failed(REQUESTS, f"the pack responded to a signed challenge with {status}", "restart the pack")
