"""Fault injection for the simulated servers: which requests go wrong, how, and how often."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from aiohttp import web

Response = TypeVar("Response", bound=web.StreamResponse)

ANY: Final = "*"
"""The target that stands for every other one."""


@dataclass(frozen=True, slots=True)
class CannedResponse:
    """Sends this response; with `after_effect` the request is processed first."""

    name: str
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    after_effect: bool = False


@dataclass(frozen=True, slots=True)
class ChangedResponse:
    """Processes the request and changes the response."""

    name: str
    change: Callable[[web.Response], web.Response]


@dataclass(frozen=True, slots=True)
class Hang:
    """Sends no response until the server closes; with `after_effect` the request is processed first."""

    after_effect: bool = False

    @property
    def name(self) -> str:
        """The fault's name in logs."""
        return "hang_after" if self.after_effect else "hang"


@dataclass(frozen=True, slots=True)
class Reset:
    """Resets the connection; with `after_effect` the request is processed first, so the caller is in doubt."""

    after_effect: bool = False

    @property
    def name(self) -> str:
        """The fault's name in logs."""
        return "reset_after" if self.after_effect else "reset_before"


@dataclass(frozen=True, slots=True)
class Slow:
    """Processes the request `seconds` later, or with `after_effect` sends its response `seconds` later."""

    seconds: float
    after_effect: bool = False
    name: str = "slow"


@dataclass(frozen=True, slots=True)
class Late:
    """Breaks the connection, and processes the request `seconds` later; the simulated Slack breaks it at once."""

    seconds: float
    name: str = "late"


Fault: TypeAlias = CannedResponse | ChangedResponse | Hang | Late | Reset | Slow


def takes_effect(fault: Fault) -> bool:
    """Returns whether a request is processed in spite of the fault."""
    return isinstance(fault, ChangedResponse | Late | Slow) or fault.after_effect


async def respond(
    fault: Fault, process: Callable[[], Awaitable[Response]], closing: asyncio.Event
) -> Response | web.Response | None:
    """Responds to a request as the fault says; returns None when the connection is to be reset.

    `process` processes the request. `closing` interrupts every wait.
    """
    if isinstance(fault, Late) or (isinstance(fault, Slow) and not fault.after_effect):
        await sleep(fault.seconds, closing)
    response = await process() if takes_effect(fault) else None
    match fault:
        case CannedResponse():
            return web.Response(
                status=fault.status, body=fault.body, content_type=fault.content_type, headers=fault.headers
            )
        case ChangedResponse() if isinstance(response, web.Response):
            return fault.change(response)
        case Slow():
            if fault.after_effect:
                await sleep(fault.seconds, closing)
            return response
        case Hang():
            await closing.wait()
    return None


async def sleep(seconds: float, closing: asyncio.Event) -> None:
    """Sleeps until `seconds` have passed or `closing` is set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await closing.wait()


@dataclass(slots=True, eq=False)
class PlannedFault:
    """A fault of a target; `times_left` is None until it is removed, `hits` counts the requests it was applied to."""

    target: str
    fault: Fault
    times_left: int | None
    when: Callable[[Mapping[str, Any]], bool]
    hits: int = 0


class FaultPlan:
    """The planned faults, in order: the oldest that matches a request applies to it.

    A target is a method or route of the server, or `*` for all of them but `only_by_name`.
    """

    def __init__(self, only_by_name: Collection[str] = ()) -> None:
        self.planned: Final[list[PlannedFault]] = []
        self._only_by_name = only_by_name

    def plan(
        self,
        target: str,
        fault: Fault,
        *,
        times: int | None = 1,
        when: Callable[[Mapping[str, Any]], bool] = lambda _arguments: True,
    ) -> PlannedFault:
        """Plans a fault for the next requests whose arguments satisfy `when`; `times` None: until it is removed."""
        planned = PlannedFault(target, fault, times, when)
        self.planned.append(planned)
        return planned

    def remove(self, planned: PlannedFault) -> None:
        """Removes a fault; has no effect when it has been used up."""
        if planned in self.planned:
            self.planned.remove(planned)

    def clear(self) -> None:
        """Removes all faults."""
        self.planned.clear()

    def match(self, target: str, arguments: Mapping[str, Any] | None = None) -> Fault | None:
        """Returns the fault that applies to a request, and counts it."""
        targets = (target,) if target in self._only_by_name else (target, ANY)
        matching = (p for p in self.planned if p.target in targets and p.when(arguments or {}))
        planned = next(matching, None)
        if planned is None:
            return None
        planned.hits += 1
        if planned.times_left is not None:
            planned.times_left -= 1
            if planned.times_left <= 0:
                self.remove(planned)
        return planned.fault
