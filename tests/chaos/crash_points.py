"""Named points: the moments at which a crash is worst, recognised from outside by what both ends see."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from entrypoints.simulation.faults import Slow
from entrypoints.simulation.flyte import trace as flyte_trace
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack import event_log
from entrypoints.simulation.slack.server import SlackServer

_JUST_AFTER_SECONDS = 0.002
"""An answer is on its way, and the pack at work on it."""


@dataclass(frozen=True, slots=True)
class Point:
    """A moment; `after_seconds` is how long after what is seen."""

    name: str
    is_slack: Callable[[event_log.Happening], bool] = lambda _: False
    is_flyte: Callable[[flyte_trace.TraceEvent], bool] = lambda _: False
    after_seconds: float = 0.0
    slow_method: str = ""
    """A method of Slack's that has to be held up for the moment to come."""


def _slack(kind: str, **details: object) -> Callable[[event_log.Happening], bool]:
    return lambda seen: seen.kind == kind and details.items() <= seen.details.items()


def _flyte(*kinds: type[flyte_trace.TraceEvent]) -> Callable[[flyte_trace.TraceEvent], bool]:
    return lambda seen: isinstance(seen, kinds)


_EVENT = _flyte(flyte_trace.EventAccepted)
_TAKEN = _flyte(flyte_trace.ActionTaken)
_FINISHED = _flyte(flyte_trace.ActionFinished)
_POST = _slack("post")
_POST_HELD_UP = _slack("fault", method="chat.postMessage")

POINTS: Final = (
    Point("a message on its way to the pack", is_slack=_slack("delivered")),
    Point("a message acknowledged", is_slack=_slack("acknowledged")),
    Point("a message with Flyte, which has not answered yet", is_flyte=_EVENT),
    Point("a message with Flyte, which has answered", is_flyte=_EVENT, after_seconds=_JUST_AFTER_SECONDS),
    Point("an action given out, not received yet", is_flyte=_TAKEN),
    Point("an action received", is_flyte=_TAKEN, after_seconds=_JUST_AFTER_SECONDS),
    Point("a post with Slack, not performed yet", is_slack=_POST_HELD_UP, slow_method="chat.postMessage"),
    Point("a post performed, not answered yet", is_slack=_POST),
    Point("a post answered", is_slack=_POST, after_seconds=_JUST_AFTER_SECONDS),
    Point("a result with Flyte, which has not answered yet", is_flyte=_FINISHED),
    Point("a result with Flyte, which has answered", is_flyte=_FINISHED, after_seconds=_JUST_AFTER_SECONDS),
    Point("a look into a channel's history", is_slack=_slack("call", method="conversations.history")),
    Point("a channel joined, not answered yet", is_slack=_slack("call", method="conversations.join")),
    Point("a registration, not answered yet", is_flyte=_flyte(flyte_trace.PackRegistered)),
)


@contextmanager
def armed(
    point: Point, occurrence: int, slack: SlackServer, flyte: FlyteServer, strike: Callable[[], None]
) -> Iterator[None]:
    """Strike at the point, once, when it comes for the so-manieth time."""
    left = occurrence

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0 and point.after_seconds:
            asyncio.get_running_loop().call_later(point.after_seconds, strike)
        elif left == 0:
            strike()

    def see_slack(seen: event_log.Happening) -> None:
        if point.is_slack(seen):
            count()

    def see_flyte(seen: flyte_trace.TraceEvent) -> None:
        if point.is_flyte(seen):
            count()

    if point.slow_method:
        slack.faults.plan(point.slow_method, Slow(0.05), times=occurrence)
    slack.log.listeners.append(see_slack)
    flyte.listeners.append(see_flyte)
    try:
        yield
    finally:
        slack.log.listeners.remove(see_slack)
        flyte.listeners.remove(see_flyte)
