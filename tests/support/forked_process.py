"""The program in processes that need not load it, because they are forks of one that has."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import IO

from tests.support import preloaded_program

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        preloaded_program.__name__,
        *("entrypoints.cli.commands", "entrypoints.container.daemon", "entrypoints.daemon", "uvloop"),
        *("adapters.filesystem.scheme", "adapters.postgresql.scheme"),
        *("entrypoints.check.command", "entrypoints.cli.queues", "entrypoints.cli.simulate"),
    ]
)


class ForkedProcess:
    """A running fork; has of the interface of `asyncio.subprocess.Process` what tests use."""

    def __init__(self, process: ForkServerProcess, pid: int, stderr: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stderr = stderr
        self._process = process

    @property
    def returncode(self) -> int | None:
        """The exit status, or the negative number of the signal that killed it; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal, unless the process has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills the process, unless it has ended."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Waits for the process to end, and returns its exit status."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        assert self.returncode is not None
        return self.returncode


@asynccontextmanager
async def forked_process(environment: Mapping[str, str], *arguments: str) -> AsyncIterator[ForkedProcess]:
    """Runs the program with exactly this environment, without standard input and output."""
    output, errors = os.pipe()
    process, pid = _start(
        environment, arguments, (os.open(os.devnull, os.O_RDWR), os.open(os.devnull, os.O_RDWR), errors)
    )
    stderr = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stderr), os.fdopen(output, "rb", buffering=0)
    )
    with closing(transport):
        yield ForkedProcess(process, pid, stderr)


class ForkedProgram:
    """A running fork with pipes; has of the interface of `subprocess.Popen` what tests use."""

    def __init__(self, process: ForkServerProcess, pid: int, stdin: IO[str], stdout: IO[str], stderr: IO[str]) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self._process = process

    def poll(self) -> int | None:
        """Returns the exit status; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Sends SIGTERM, unless the process has ended."""
        self.send_signal(signal.SIGTERM)

    def wait(self, seconds: float) -> int:
        """Waits for the process to end, and returns its exit status. Raises TimeoutError."""
        self._process.join(seconds)
        if (status := self.poll()) is None:
            raise TimeoutError(f"the program runs for more than {seconds} s")
        return status


@contextmanager
def forked_program(environment: Mapping[str, str], *arguments: str) -> Iterator[ForkedProgram]:
    """Runs the program with exactly this environment and with pipes, and kills it at the end if it is still running."""
    (given, stdin), (stdout, output), (stderr, errors) = os.pipe(), os.pipe(), os.pipe()
    process, pid = _start(environment, arguments, (given, output, errors))
    with (
        os.fdopen(stdin, "w", encoding="utf-8") as entered,
        os.fdopen(stdout, encoding="utf-8") as printed,
        os.fdopen(stderr, encoding="utf-8") as complaints,
    ):
        try:
            yield ForkedProgram(process, pid, entered, printed, complaints)
        finally:
            process.kill()
            process.join()


def run_forked(
    environment: Mapping[str, str], *arguments: str, stdout: int | None
) -> "subprocess.CompletedProcess[str]":
    """Runs the program to its end without standard input; its output goes to this descriptor, or is closed."""
    stderr, errors = os.pipe()
    output = None if stdout is None else os.dup(stdout)
    process, _ = _start(environment, arguments, (_null_device(), output, errors))
    with os.fdopen(stderr, encoding="utf-8") as complaints:
        text = complaints.read()
    process.join()
    assert process.exitcode is not None
    return subprocess.CompletedProcess(arguments, process.exitcode, stderr=text)


def _null_device() -> int:
    return os.open(os.devnull, os.O_RDWR)


def _start(
    environment: Mapping[str, str], arguments: Sequence[str], descriptors: Sequence[int | None]
) -> tuple[ForkServerProcess, int]:
    """Starts a fork, which takes over the descriptors of its standard streams."""
    streams = [None if descriptor is None else Connection(descriptor) for descriptor in descriptors]
    process = _FORKS.Process(target=preloaded_program.run, args=(arguments, dict(environment), streams))
    process.start()
    for stream in filter(None, streams):
        stream.close()
    assert process.pid
    return process, process.pid
