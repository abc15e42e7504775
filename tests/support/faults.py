"""Faults to plan around any port: errors before or after the deed, and calls that hang until let go."""

import asyncio
import inspect
import math
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from application.ports.channels import Channels
from application.ports.clock import Clock
from application.ports.journal import Journal
from application.ports.outbox import Outbox
from application.ports.rate_limiter import RateLimiter
from application.ports.storage import Storage

T = TypeVar("T")


@dataclass(slots=True)
class _Fault:
    error: Exception
    left: float
    is_after: bool


class Faults:
    """What goes wrong, by the names of methods (`post`; for a part of a storage `outbox.append`)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._planned: dict[str, deque[_Fault]] = defaultdict(deque)
        self._held: dict[str, asyncio.Event] = {}
        self._calls: dict[str, list[tuple[float, tuple[Any, ...]]]] = defaultdict(list)
        self._called = asyncio.Event()

    def before(self, method: str, error: Exception, times: float = math.inf) -> None:
        """The next calls raise the error, and do nothing else; without `times` all do, until `lift`."""
        self._planned[method].append(_Fault(error, times, is_after=False))

    def after(self, method: str, error: Exception, times: float = math.inf) -> None:
        """The next calls do what was asked, and raise the error in the place of the answer."""
        self._planned[method].append(_Fault(error, times, is_after=True))

    def lift(self, method: str) -> None:
        """Nothing goes wrong with this method any more; calls that hang go on."""
        self._planned.pop(method, None)
        self.release(method)

    def release(self, method: str) -> None:
        """Calls that hang go on; what else was planned for this method stays."""
        if gate := self._held.pop(method, None):
            gate.set()

    def lift_all(self) -> None:
        """Nothing goes wrong any more."""
        for method in [*self._planned, *self._held]:
            self.lift(method)

    def hold(self, method: str) -> None:
        """Calls hang before they do anything, until `lift`."""
        self._held[method] = asyncio.Event()

    def called_at(self, method: str) -> list[float]:
        """When the method was called: seconds of the clock."""
        return [at for at, _ in self._calls[method]]

    def called_with(self, method: str) -> list[tuple[Any, ...]]:
        """The positional arguments of each call."""
        return [arguments for _, arguments in self._calls[method]]

    def count(self, method: str) -> int:
        """How often the method was called."""
        return len(self._calls[method])

    async def until_called(self, method: str, more: int = 1) -> None:
        """Return when the method was called so many times more."""
        count = self.count(method) + more
        while self.count(method) < count:
            self._called.clear()
            await self._called.wait()

    async def perform(self, method: str, deed: Callable[[], Awaitable[T]], *arguments: Any) -> T:
        """The deed, with what was planned for it."""
        self._calls[method].append((self._clock.monotonic(), arguments))
        self._called.set()
        fault = self._next(method)
        if gate := self._held.get(method):
            await gate.wait()
        if fault is not None and not fault.is_after:
            raise fault.error
        result = await deed()
        if fault is not None:
            raise fault.error
        return result

    def _next(self, method: str) -> _Fault | None:
        planned = self._planned[method]
        while planned and planned[0].left <= 0:
            planned.popleft()
        if not planned:
            return None
        planned[0].left -= 1
        return planned[0]


class _Faulty:
    """An adapter, with faults around each of its coroutines."""

    def __init__(self, adapter: object, faults: Faults, prefix: str) -> None:
        self._adapter = adapter
        self._faults = faults
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:  # stands for every method of every port
        attribute = getattr(self._adapter, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        async def perform(*args: Any, **kwargs: Any) -> Any:  # likewise
            return await self._faults.perform(self._prefix + name, lambda: attribute(*args, **kwargs), *args)

        return perform


def faulty(adapter: T, faults: Faults, prefix: str = "") -> T:
    """The same adapter as its port sees it, with these faults around it."""
    return cast("T", _Faulty(adapter, faults, prefix))


class FaultyStorage:
    """A storage with faults around each of its parts."""

    channels: Channels
    outbox: Outbox
    journal: Journal
    rate_limiter: RateLimiter

    def __init__(self, storage: Storage, faults: Faults) -> None:
        self._storage = storage
        self.channels = faulty(storage.channels, faults, "channels.")
        self.outbox = faulty(storage.outbox, faults, "outbox.")
        self.journal = faulty(storage.journal, faults, "journal.")
        self.rate_limiter = faulty(storage.rate_limiter, faults, "rate_limiter.")

    def open(self) -> AbstractAsyncContextManager[None]:
        return self._storage.open()

    async def heartbeat(self, now: datetime, lease_seconds: float) -> None:
        await self._storage.heartbeat(now, lease_seconds)
