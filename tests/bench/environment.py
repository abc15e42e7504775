"""The daemon as a process between the two simulated servers, ready to be measured."""

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from entrypoints.simulation.flyte.flow_loader import BUILT_IN, Flow, flow_from_file
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import DaemonProcess, daemon, daemon_environ

ECHO = BUILT_IN / "echo.yaml"
PATIENCE_SECONDS = 120.0


def echo_flow() -> Flow:
    """The echo flow of the pack's documentation."""
    return flow_from_file(ECHO)


@dataclass(slots=True)
class Stage:
    """Both ends, the channels that the pack has joined, and one person in each of them; the talker is in all."""

    slack: SlackServer
    flyte: FlyteServer
    directory: Path
    channels: list[str]
    people: list[str]
    talker: str

    @asynccontextmanager
    async def pack(self, **variables: str) -> AsyncIterator[tuple[DaemonProcess, float]]:
        """The running pack, registered and hearing; and how many seconds that took from its start."""
        began = time.monotonic()
        app_token = self.slack.app_token
        more = {"FLYTE_SLACK_APP_TOKEN": app_token, **variables}
        async with daemon(daemon_environ(self.slack, self.flyte, self.directory, **more)) as pack:
            await pack.wait_for_event("hearing")
            await pack.wait_for_event("registered")
            yield pack, time.monotonic() - began

    def keep_joined_channels(self) -> None:
        """Write the channels down where the pack finds them at its next start."""
        state = self.directory / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        (state / "channels.json").write_text(json.dumps(self.channels), encoding="utf-8")


@asynccontextmanager
async def stage(
    directory: Path, *, channels: int = 100, latency_seconds: float = 0.0, acknowledgement_seconds: float = 3.0
) -> AsyncIterator[Stage]:
    """Both servers with the echo flow, so many joined channels, and nothing running yet."""
    slack = SlackServer(latency_seconds=latency_seconds, acknowledgement_seconds=acknowledgement_seconds)
    async with slack, FlyteServer(flows=[echo_flow()]) as flyte:
        talker = slack.add_user("talker")
        people = [slack.add_user(f"person{number}") for number in range(channels)]
        joined = [
            slack.add_channel(f"channel{number}", members=[slack.bot_user_id, person, talker])
            for number, person in enumerate(people)
        ]
        directory.mkdir()
        set_up = Stage(slack, flyte, directory, joined, people, talker)
        set_up.keep_joined_channels()
        yield set_up


def resident_bytes(pack: DaemonProcess) -> int:
    """How much memory the process has at the moment."""
    return _status(pack, "VmRSS")


def peak_resident_bytes(pack: DaemonProcess) -> int:
    """How much memory the process had at most."""
    return _status(pack, "VmHWM")


def cpu_seconds(pack: DaemonProcess) -> float:
    """How much time the process has spent computing, in itself and in the kernel."""
    fields = Path(f"/proc/{pack.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status(pack: DaemonProcess, name: str) -> int:
    lines = Path(f"/proc/{pack.process.pid}/status").read_text(encoding="utf-8").splitlines()
    [kibibytes] = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(kibibytes) * 1024
