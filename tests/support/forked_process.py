"""The program in processes that need not load it, because they are forks of one that has."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from multiprocessing.context import ForkServerProcess

from tests.support import preloaded_program

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        preloaded_program.__name__,
        *("entrypoints.cli.commands", "entrypoints.container.daemon", "entrypoints.daemon", "uvloop"),
        *("adapters.filesystem.scheme", "adapters.postgresql.scheme"),
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
    """Runs the program with exactly this environment."""
    output, errors = multiprocessing.Pipe(duplex=False)
    with errors:
        process = _FORKS.Process(target=preloaded_program.run, args=(arguments, dict(environment), errors))
        process.start()
    stderr = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stderr), os.fdopen(os.dup(output.fileno()), "rb", buffering=0)
    )
    with output, closing(transport):
        assert process.pid
        yield ForkedProcess(process, process.pid, stderr)
