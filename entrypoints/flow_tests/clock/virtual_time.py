"""Virtual time: an event loop whose clock jumps ahead whenever everybody waits, so that an hour takes seconds."""

import asyncio
import math
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

T = TypeVar("T")

START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""Monday morning: when a test begins, unless it says otherwise."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in which time passes only when nothing is left to be done at the moment.

    For programs without sockets, threads and subprocesses: nothing outside the loop may be waited for. All of asyncio's
    own waiting (`sleep`, `timeout`, `call_later`) is in virtual time; what happens is the same in each run.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        super().__init__(_JumpAhead(self.pass_seconds))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._seconds

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass; a hair more than that, since the loop runs what is due before now."""
        self._seconds = math.nextafter(self._seconds + seconds, math.inf)


class _JumpAhead(selectors.DefaultSelector):
    """Instead of waiting for input until it is time for the loop's next timer, lets that time pass."""

    def __init__(self, pass_seconds: Any) -> None:
        super().__init__()
        self._pass_seconds = pass_seconds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What there is to read; nothing, for whoever would wait for it. RuntimeError when the wait has no end."""
        if timeout == 0:
            return []
        if ready := super().select(0):
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits, and nobody for a time: this would never end")
        self._pass_seconds(timeout)
        return []


class VirtualClock:
    """Clock by the loop's virtual time."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start

    def now(self) -> datetime:
        """See the port."""
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """See the port."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """See the port."""
        await asyncio.sleep(seconds)


def run_virtually(play: Coroutine[Any, Any, T]) -> T:
    """What the coroutine returns, run to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(play)
