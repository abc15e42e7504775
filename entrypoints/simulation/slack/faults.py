"""Faults that can be planned: what the simulated Slack does in the place of answering properly."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from entrypoints.simulation.slack.models import JsonObject

ANY_METHOD: Final = "*"
HANDSHAKE: Final = "websocket"
"""The name under which faults of a WebSocket's opening are planned."""
HELLO: Final = "websocket.hello"
"""The name under which faults of a WebSocket's first frame are planned: `hang()` opens it and never says hello."""


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """Answer this, whatever the method says; with `performed` the method does its work first."""

    name: str
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    performed: bool = False


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Never answer: the caller waits until it gives up or the server closes."""

    performed: bool = False
    name: str = "hang"


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection without an answer, before or after doing the work."""

    performed: bool
    name: str = "reset"


@dataclass(frozen=True, slots=True)
class Slow:
    """Take so many seconds before the work, or after it with `performed`, and answer properly."""

    seconds: float
    performed: bool = False
    name: str = "slow"


Fault: TypeAlias = WrongAnswer | NoAnswer | Reset | Slow


def rate_limited(retry_after_seconds: int = 1) -> Fault:
    """Answer 429 with `Retry-After`."""
    body = json.dumps({"ok": False, "error": "ratelimited"}).encode()
    return WrongAnswer("rate_limited", 429, body, headers={"Retry-After": str(retry_after_seconds)})


def error(code: str, *, performed: bool = False, **more: object) -> Fault:
    """Answer `ok: false` with this code, and whatever else Slack adds to it."""
    body = json.dumps({"ok": False, "error": code, **more}).encode()
    return WrongAnswer(f"error {code}", 200, body, performed=performed)


def http_status(status: int, *, performed: bool = False) -> Fault:
    """Answer with this status and a page of HTML, as something between the caller and Slack would."""
    page = f"<html><body><h1>{status}</h1>Something went wrong.</body></html>".encode()
    return WrongAnswer(f"status {status}", status, page, "text/html", performed=performed)


def malformed_json(*, performed: bool = False) -> Fault:
    """Answer with JSON that breaks off."""
    return WrongAnswer("malformed_json", 200, b'{"ok": true, "ts": "17', performed=performed)


def empty_body(*, performed: bool = False) -> Fault:
    """Answer 200 with nothing in it."""
    return WrongAnswer("empty_body", 200, b"", performed=performed)


def plain_text(text: str = "upstream request timeout", *, performed: bool = False) -> Fault:
    """Answer 200 with plain text."""
    return WrongAnswer("plain_text", 200, text.encode(), "text/plain", performed=performed)


def hang(*, performed: bool = False) -> Fault:
    """Never answer."""
    return NoAnswer(performed)


def reset_before() -> Fault:
    """Break the connection and do nothing."""
    return Reset(performed=False, name="reset_before")


def reset_after() -> Fault:
    """Do the work and break the connection: the caller can't know that it was done."""
    return Reset(performed=True, name="reset_after")


def slow(seconds: float, *, performed: bool = False) -> Fault:
    """Take this long."""
    return Slow(seconds, performed)


@dataclass(slots=True, eq=False)
class PlannedFault:
    """A fault that waits for its calls; `remaining` is None for as long as nobody removes it."""

    method: str
    fault: Fault
    remaining: int | None
    when: Callable[[JsonObject], bool]
    hits: int = 0

    def take(self, arguments: JsonObject) -> bool:
        """Say whether it befalls this call, and count it."""
        if not self.when(arguments):
            return False
        self.hits += 1
        if self.remaining is not None:
            self.remaining -= 1
        return True


class Faults:
    """The plan: which calls go wrong, how and how often. The oldest plan that fits a call befalls it."""

    def __init__(self) -> None:
        self.planned: Final[list[PlannedFault]] = []

    def plan(
        self,
        method: str,
        fault: Fault,
        *,
        times: int | None = 1,
        when: Callable[[JsonObject], bool] = lambda _arguments: True,
    ) -> PlannedFault:
        """Let a method go wrong for the calls whose arguments fit.

        `method` may be `*` for any, or `websocket` and `websocket.hello` for sockets. `times` None: until it is removed
        or the plan is cleared.
        """
        planned = PlannedFault(method, fault, times, when)
        self.planned.append(planned)
        return planned

    def remove(self, planned: PlannedFault) -> None:
        """Take a fault off the plan; one that has worked off is off already."""
        if planned in self.planned:
            self.planned.remove(planned)

    def clear(self) -> None:
        """Let everything go well from now on."""
        self.planned.clear()

    def befalling(self, method: str, arguments: JsonObject) -> Fault | None:
        """Find what is to go wrong with a call, and count it as done."""
        for planned in self.planned:
            fits = planned.method == method or (planned.method == ANY_METHOD and method not in (HANDSHAKE, HELLO))
            if fits and planned.take(arguments):
                if planned.remaining == 0:
                    self.planned.remove(planned)
                return planned.fault
        return None
