"""The daemon as a process between the two simulated servers, and its resource usage."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import DaemonProcess, daemon_environ, fresh_daemon

TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class BenchEnvironment:
    """Both servers and the channels that the pack has joined, each with one person; `regular` is in all of them."""

    slack: SlackServer
    flyte: FlyteServer
    directory: Path
    channels: list[str]
    people: list[str]
    regular: str

    @asynccontextmanager
    async def pack(self, **variables: str) -> AsyncIterator[tuple[DaemonProcess, float]]:
        """Yields the running pack, registered and receiving, and the seconds its start took."""
        began = time.monotonic()
        variables = {"FLYTE_SLACK_APP_TOKEN": self.slack.app_token, **variables}
        async with fresh_daemon(daemon_environ(self.slack, self.flyte, self.directory, **variables)) as pack:
            await pack.wait_for_event("hearing")
            await pack.wait_for_event("registered")
            yield pack, time.monotonic() - began


@asynccontextmanager
async def bench_environment(
    directory: Path, *, channels: int = 100, latency_seconds: float = 0.0, acknowledgement_seconds: float = 3.0
) -> AsyncIterator[BenchEnvironment]:
    """Runs both servers with the echo flow and this many joined channels; the pack is not started yet."""
    slack = SlackServer(latency_seconds=latency_seconds, acknowledgement_seconds=acknowledgement_seconds)
    flows = [flow_from_file(BUILT_IN / "echo.yaml")]
    async with slack, FlyteServer(flows=flows) as flyte:
        regular = slack.add_user("regular")
        people = [slack.add_user(f"person{number}") for number in range(channels)]
        joined = [
            slack.add_channel(f"channel{number}", members=[slack.bot_user_id, person, regular])
            for number, person in enumerate(people)
        ]
        _write_joined_channels(directory / "state", joined)
        yield BenchEnvironment(slack, flyte, directory, joined, people, regular)


def resident_bytes(pack: DaemonProcess) -> int:
    """Returns the current resident set size of the process."""
    return _status(pack, "VmRSS")


def peak_resident_bytes(pack: DaemonProcess) -> int:
    """Returns the peak resident set size of the process."""
    return _status(pack, "VmHWM")


def _write_joined_channels(state: Path, channels: list[str]) -> None:
    state.parent.mkdir()
    state.mkdir(mode=0o700)
    (state / "channels.json").write_text(json.dumps(channels), encoding="utf-8")


def _status(pack: DaemonProcess, name: str) -> int:
    lines = Path(f"/proc/{pack.process.pid}/status").read_text(encoding="utf-8").splitlines()
    [kibibytes] = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(kibibytes) * 1024
