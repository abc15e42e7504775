"""The daemon as a process with an environment, a log and an exit status."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.forked_process import ForkedProcess, forked_process

PROGRAM = Path(sys.executable).with_name("flyte-slack")
_TIMEOUT_SECONDS = 15.0


class DaemonProcess:
    """A running `flyte-slack`."""

    def __init__(self, process: asyncio.subprocess.Process | ForkedProcess) -> None:
        self.process = process
        self.log: list[dict[str, Any]] = []
        """The log lines so far."""
        self.other_lines: list[str] = []
        """Lines on standard error that are not JSON."""
        self._changed = asyncio.Condition()

    async def read_log(self) -> None:
        """Reads standard error to its end."""
        assert self.process.stderr
        async for line in self.process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.other_lines.append(line.decode())
            async with self._changed:
                self._changed.notify_all()

    async def wait_for_line(self, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Waits for a matching log line, and returns the first one."""
        async with asyncio.timeout(_TIMEOUT_SECONDS), self._changed:
            while True:
                for line in self.log:
                    if matches(line):
                        return line
                await self._changed.wait()

    async def wait_for_event(self, event: str) -> dict[str, Any]:
        """Waits for this event, and returns its first log line."""
        return await self.wait_for_line(lambda line: line["event"] == event)

    async def url(self) -> str:
        """The URL of its HTTP port."""
        return str((await self.wait_for_event("listening"))["url"]).replace("0.0.0.0", "127.0.0.1")

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal, and returns the exit status."""
        self.process.send_signal(number)
        return await self.wait()

    async def wait(self) -> int:
        """Waits for the process to exit, and returns the exit status."""
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await self.process.wait()


@asynccontextmanager
async def daemon(environment: Mapping[str, str], *arguments: str) -> AsyncIterator[DaemonProcess]:
    """Does what `fresh_daemon` does, but does not load the program again: for all that is not about its start."""
    async with forked_process(_with_path(environment), *arguments) as process, _running(process) as running:
        yield running


@asynccontextmanager
async def fresh_daemon(
    environment: Mapping[str, str], *arguments: str, program: Sequence[str | Path] = (PROGRAM,)
) -> AsyncIterator[DaemonProcess]:
    """Runs the program with exactly this environment, and kills it at the end if it is still running."""
    process = await asyncio.create_subprocess_exec(
        *program,
        *arguments,
        env=_with_path(environment),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stdin=asyncio.subprocess.DEVNULL,
    )
    async with _running(process) as running:
        yield running


@asynccontextmanager
async def _running(process: asyncio.subprocess.Process | ForkedProcess) -> AsyncIterator[DaemonProcess]:
    running = DaemonProcess(process)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(running.read_log(), name="log of the daemon")
        try:
            yield running
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def _with_path(environment: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], **environment}


def daemon_environ(slack: SlackServer, flyte: FlyteServer, directory: Path, **more: str) -> dict[str, str]:
    """The variables for a daemon between these two servers; without an app token it uses RTM."""
    return {
        "FLYTE_API": flyte.api_url,
        "FLYTE_SLACK_TOKEN": slack.bot_token,
        "FLYTE_SLACK_API_URL": slack.api_url,
        "FLYTE_SLACK_BACKUP_DIR": str(directory / "state"),
        "FLYTE_SLACK_HTTP_HOST": "127.0.0.1",
        "FLYTE_SLACK_HTTP_PORT": "0",
        **more,
    }
