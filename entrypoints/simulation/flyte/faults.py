"""Faults that can be planned for a simulated Flyte, route by route."""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong. Up to `malformed` the request is not processed; from `missing_links` on it is."""

    STATUS = "status"
    HTML = "html"
    REDIRECT = "redirect"
    RESET_BEFORE = "reset_before"
    HANG = "hang"
    SLOW = "slow"
    LOST_RACE = "lost_race"
    MALFORMED = "malformed"
    MISSING_LINKS = "missing_links"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    RESET_AFTER = "reset_after"
    HANG_AFTER = "hang_after"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; which of the values counts depends on its kind."""

    kind: FaultKind
    code: int = 0
    seconds: float = 0.0
    location: str = ""
    is_gone: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.code}" if self.kind is FaultKind.STATUS else str(self.kind)


def status(code: int) -> Fault:
    """An answer with a status and no body; nothing is processed."""
    return Fault(FaultKind.STATUS, code=code)


def html() -> Fault:
    """200 with a page, as a captive portal or a proxy sends one."""
    return Fault(FaultKind.HTML)


def redirect(location: str) -> Fault:
    """302 to somewhere else."""
    return Fault(FaultKind.REDIRECT, location=location)


def malformed() -> Fault:
    """200 with JSON that breaks off."""
    return Fault(FaultKind.MALFORMED)


def reset_before() -> Fault:
    """The connection is reset, and nothing was processed."""
    return Fault(FaultKind.RESET_BEFORE)


def reset_after() -> Fault:
    """The request is processed, and the connection reset in the answer's place: the lost answer."""
    return Fault(FaultKind.RESET_AFTER)


def hang() -> Fault:
    """No answer ever, and nothing processed."""
    return Fault(FaultKind.HANG)


def hang_after() -> Fault:
    """The request is processed, and no answer ever."""
    return Fault(FaultKind.HANG_AFTER)


def slow(seconds: float) -> Fault:
    """The request is processed, and answered, so much later."""
    return Fault(FaultKind.SLOW, seconds=seconds)


def missing_links() -> Fault:
    """The request is processed, and the answer has no links."""
    return Fault(FaultKind.MISSING_LINKS)


def wrong_content_type() -> Fault:
    """The request is processed, and the answer calls itself a picture."""
    return Fault(FaultKind.WRONG_CONTENT_TYPE)


def lost_race(*, gone: bool = False) -> Fault:
    """500 on `take`, as when another replica was quicker; `gone`: and that one has the oldest action now."""
    return Fault(FaultKind.LOST_RACE, is_gone=gone)


@dataclass(slots=True, eq=False)
class PlannedFault:
    """A fault on a route, for so many requests, or until it is removed."""

    route: str
    fault: Fault
    times_left: int | None
    plan: "FaultPlan"

    def remove(self) -> None:
        """Let the route work again; does no harm when the fault is used up."""
        self.plan.remove(self)


class FaultPlan:
    """The faults planned, in order: the first of a route is used up before the second."""

    def __init__(self) -> None:
        self._planned: defaultdict[str, list[PlannedFault]] = defaultdict(list)

    def add(self, route: str, fault: Fault, times: int | None = None) -> PlannedFault:
        """Plan a fault for the next requests on a route; None: until it is removed."""
        planned = PlannedFault(route, fault, times, self)
        self._planned[route].append(planned)
        return planned

    def remove(self, planned: PlannedFault) -> None:
        """Take a fault out of the plan."""
        if planned in self._planned[planned.route]:
            self._planned[planned.route].remove(planned)

    def clear(self) -> None:
        """Plan nothing any more."""
        self._planned.clear()

    def next_for(self, route: str) -> Fault | None:
        """The fault for a request that has come in, counted."""
        planned = next(iter(self._planned.get(route, ())), None)
        if planned is None:
            return None
        if planned.times_left is not None:
            planned.times_left -= 1
            if planned.times_left <= 0:
                self.remove(planned)
        return planned.fault
