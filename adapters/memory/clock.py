"""Virtual time: an event loop whose clock jumps ahead whenever every task waits, so that an hour takes seconds."""

import asyncio
import math
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

_SOCKET_SECONDS = 0.002
"""Real time that data between two sockets of this process may take."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in which time passes only when nothing is left to do at the moment.

    For programs without threads, subprocesses and sockets to other loops: nothing outside the loop may be waited for.
    All of asyncio's own waits (`sleep`, `timeout`, `call_later`) are in virtual time; every run does the same.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        super().__init__(_JumpingSelector(self.pass_seconds))

    def time(self) -> float:
        """Returns the virtual seconds since the loop was created."""
        return self._seconds

    def pass_seconds(self, seconds: float) -> None:
        """Lets time pass, a hair more than asked for: the loop runs what is due *before* now."""
        self._seconds = math.nextafter(self._seconds + seconds, math.inf)


class _JumpingSelector(selectors.DefaultSelector):
    """Lets the time until the loop's next timer pass instead of waiting for input."""

    def __init__(self, pass_seconds: Callable[[float], None]) -> None:
        super().__init__()
        self._pass_seconds = pass_seconds

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Returns the input that is ready. Raises RuntimeError if the loop would wait for ever."""
        has_sockets = len(self.get_map()) > 1  # besides the loop's own
        if timeout == 0 and not has_sockets:
            return []  # nothing can have arrived, and most turns of the loop are such
        if ready := super().select(_SOCKET_SECONDS if has_sockets and timeout != 0 else 0):
            return ready
        if timeout is None:
            raise RuntimeError("every task waits, and none of them for a time: this would never end")
        if timeout > 0:
            self._pass_seconds(timeout)
        return []


class VirtualClock:
    """Tells the time of the running VirtualTimeLoop."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


def run_in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Runs the coroutine to its end, and returns its result."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
