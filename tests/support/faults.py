"""Faults to inject into any port: errors before or after the call, and calls that block until released."""

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from application.resilience.interception import PortCall


@dataclass(slots=True)
class _Fault:
    error: Exception
    left: float
    is_after: bool
    argument: object = None
    """Fails only calls with this first argument; None: all."""


class Faults:
    """A policy that fails calls, by the names of methods (`post`; for a part of a storage `outbox.append`)."""

    def __init__(self) -> None:
        self._planned: dict[str, deque[_Fault]] = defaultdict(deque)
        self._conditions: dict[str, Callable[[tuple[Any, ...]], Exception | None]] = {}
        self._blocked: dict[str, asyncio.Event] = {}
        self._delays: dict[str, float] = {}
        self._calls: dict[str, list[tuple[float, tuple[Any, ...]]]] = defaultdict(list)
        self._called = asyncio.Event()

    def fail_before(self, method: str, error: Exception, times: float = math.inf, *, argument: object = None) -> None:
        """The next calls raise the error without any effect; without `times`, all of them until `lift`.

        With `argument`, only calls with this first argument.
        """
        self._planned[method].append(_Fault(error, times, is_after=False, argument=argument))

    def fail_after(self, method: str, error: Exception, times: float = math.inf) -> None:
        """The next calls take effect, and raise the error instead of returning."""
        self._planned[method].append(_Fault(error, times, is_after=True))

    def fail_when(self, method: str, error_of: Callable[[tuple[Any, ...]], Exception | None]) -> None:
        """Calls raise without any effect what the function returns for their positional arguments, unless None."""
        self._conditions[method] = error_of

    def block(self, method: str) -> None:
        """Calls block before they have any effect, until `lift` or `release`."""
        self._blocked[method] = asyncio.Event()

    def delay(self, method: str, seconds: float) -> None:
        """Calls take so long before they have any effect."""
        self._delays[method] = seconds

    def release(self, method: str) -> None:
        """Blocked calls continue; other faults of the method stay."""
        if gate := self._blocked.pop(method, None):
            gate.set()

    def lift(self, method: str) -> None:
        """Removes all faults of the method; blocked calls continue."""
        self._planned.pop(method, None)
        self._conditions.pop(method, None)
        self._delays.pop(method, None)
        self.release(method)

    def lift_all(self) -> None:
        """Removes all faults."""
        for method in [*self._planned, *self._conditions, *self._blocked, *self._delays]:
            self.lift(method)

    def called_at(self, method: str) -> list[float]:
        """Returns when the method was called, in the event loop's time."""
        return [at for at, _ in self._calls[method]]

    def called_with(self, method: str) -> list[tuple[Any, ...]]:
        """Returns the positional arguments of each call."""
        return [arguments for _, arguments in self._calls[method]]

    def count(self, method: str) -> int:
        """Returns the number of calls."""
        return len(self._calls[method])

    async def until_called(self, method: str, more: int = 1) -> None:
        """Returns when the method has been called so many times more."""
        count = self.count(method) + more
        while self.count(method) < count:
            self._called.clear()
            await self._called.wait()

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        method = call.method
        self._calls[method].append((asyncio.get_running_loop().time(), call.arguments))
        self._called.set()
        fault = self._next(method, call.arguments)
        if gate := self._blocked.get(method):
            await gate.wait()
        if method in self._delays:
            await asyncio.sleep(self._delays[method])
        if fault is not None and not fault.is_after:
            raise fault.error
        if method in self._conditions and (error := self._conditions[method](call.arguments)):
            raise error
        result = await call.perform()
        if fault is not None:
            raise fault.error
        return result

    def _next(self, method: str, arguments: tuple[Any, ...]) -> _Fault | None:
        for fault in self._planned[method]:
            if fault.left > 0 and fault.argument in (None, *arguments[:1]):
                fault.left -= 1
                return fault
        return None
