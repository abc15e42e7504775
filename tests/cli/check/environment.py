"""A Slack, a Flyte and a machine without problems, until a test plants one."""

import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from adapters.slack.events_api import SlackEventsApi
from adapters.system_clock import SystemClock
from application.health import HealthRegistry
from domain.users import Identity
from entrypoints.check.findings import Finding, Status
from entrypoints.check.runner import run_checks
from entrypoints.config.settings import load_settings
from entrypoints.container.ports import HEALTH_CHECKS
from entrypoints.http import HttpServer
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer


class ShiftedClock(SystemClock):
    """A clock that is ahead by a fixed time."""

    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self._ahead


@dataclass
class CheckEnvironment:
    """The subject of a check, with one fault or none."""

    slack: SlackServer
    flyte: FlyteServer
    directory: Path
    monkeypatch: pytest.MonkeyPatch
    channel: str
    clock: SystemClock = field(default_factory=SystemClock)
    variables: dict[str, str] = field(default_factory=dict)
    """Added to the valid settings; an empty text unsets a variable."""
    request_seconds: float = 5.0

    @property
    def environ(self) -> dict[str, str]:
        return {
            "FLYTE_API": self.flyte.api_url,
            "FLYTE_SLACK_TOKEN": self.slack.bot_token,
            "FLYTE_SLACK_APP_TOKEN": self.slack.app_token,
            "FLYTE_SLACK_API_URL": self.slack.api_url,
            "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": self.channel,
            "FLYTE_SLACK_BACKUP_DIR": str(self.directory),
            "FLYTE_SLACK_HTTP_HOST": "127.0.0.1",
            "FLYTE_SLACK_HTTP_PORT": "0",
            **self.variables,
        }

    def receive_by_http(self) -> None:
        """Lets the pack receive through signed HTTP requests."""
        self.variables |= {"FLYTE_SLACK_APP_TOKEN": "", "FLYTE_SLACK_SIGNING_SECRET": self.slack.signing_secret}

    async def findings(self) -> list[Finding]:
        found: list[Finding] = []
        await run_checks(load_settings(self.environ), self.clock, found.append, self.request_seconds)
        return found

    async def finding(self, check: str) -> Finding:
        [finding] = [finding for finding in await self.findings() if finding.check == check]
        return finding

    async def problems(self) -> list[Finding]:
        """The failures and warnings."""
        return [found for found in await self.findings() if found.status in (Status.FAILED, Status.WARNING)]


@asynccontextmanager
async def open_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, classic: bool = False
) -> AsyncIterator[CheckEnvironment]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    async with SlackServer(classic=classic) as slack, FlyteServer() as flyte:
        yield CheckEnvironment(slack, flyte, tmp_path / "state", monkeypatch, slack.add_channel("ops"))


@asynccontextmanager
async def running_pack(
    *, signing_secret: str = "", problem: str = "", accepts_requests: bool = True
) -> AsyncIterator[str]:
    """A running pack's HTTP port; yields its number."""

    async def identify() -> Identity:
        return Identity("U1", "B1")

    health = HealthRegistry(HEALTH_CHECKS)
    for check in HEALTH_CHECKS:
        health.reporter(check).report(healthy=not problem, status=problem or "fine")
    receiver = SlackEventsApi(signing_secret or "s3cret", identify, SystemClock())
    server = HttpServer(health, host="127.0.0.1", port=0, slack_handler=receiver if accepts_requests else None)
    async with server.open():
        yield server.url.rpartition(":")[2]


def occupied_port() -> socket.socket:
    """A port on which another program listens until it is closed."""
    return socket.create_server(("127.0.0.1", 0))
