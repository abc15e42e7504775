"""Runs the lines that are typed in a terminal, while the next ones can be typed."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.console.repl import begin_line, describe_pending
from entrypoints.simulation.console.session import ConsoleSession, InvalidInput, Posted, SessionEnded

_TURN_SECONDS: Final = 1.0
"""The time for the effects of a line before the next line runs."""


class TypedLines:
    """Runs lines in their order; each has a moment to take effect, but a pack that takes its time holds up none."""

    def __init__(
        self, session: ConsoleSession, settle_seconds: float, tasks: asyncio.TaskGroup, prompt: Callable[[], str]
    ) -> None:
        """After `settle_seconds` it tells what is still pending. `prompt` is shown before commands."""
        self._session = session
        self._settle_seconds = settle_seconds
        self._turn_seconds = min(_TURN_SECONDS, settle_seconds)
        self._prompt = prompt
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._tasks = tasks
        self._waiting: set[asyncio.Task[None]] = set()
        self._is_busy = False
        """Whether it was told that something is pending."""

    def put(self, line: str | None) -> None:
        """Queues a line; None is the end of the input."""
        self._lines.put_nowait(line)

    async def run(self) -> None:
        """Runs lines until /quit or the end of the input."""
        with contextlib.suppress(SessionEnded):
            while (line := await self._lines.get()) is not None:
                await self._run(line)

    def cancel(self) -> None:
        """Stops waiting for what follows from earlier lines."""
        for task in (*self._waiting,):
            task.cancel()

    async def _run(self, line: str) -> None:
        session = self._session
        if line.startswith("/"):
            session.write(f"{self._prompt()}{line}")
        try:
            posted = await begin_line(session, line)
        except InvalidInput as error:
            session.write(str(error), "bad")
        else:
            await self._follow(posted)
        session.printer.flush()

    async def _follow(self, posted: Posted | None) -> None:
        if await self._session.sandbox.settle(self._turn_seconds):
            waiting = self._tasks.create_task(self._wait(posted), name="wait for what follows")
            self._waiting.add(waiting)
            waiting.add_done_callback(self._waiting.discard)
        else:
            self._finish(posted)

    async def _wait(self, posted: Posted | None) -> None:
        pending = await self._session.sandbox.settle(self._settle_seconds - self._turn_seconds)
        if pending and not self._is_busy:
            self._session.write(describe_pending(self._session, pending, self._settle_seconds), "bad")
        self._finish(posted, is_busy=bool(pending))

    def _finish(self, posted: Posted | None, *, is_busy: bool = False) -> None:
        self._is_busy = is_busy
        if posted:
            self._session.explain_if_unreported(posted)
        for reason in self._session.failures.take():
            if self._session.formatter.detail is Detail.OFF:  # otherwise it is reported where it happens
                self._session.write(reason, "bad")
