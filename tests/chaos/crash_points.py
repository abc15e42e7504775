"""Crash points: the worst moments for a crash, recognised from what the two servers see."""

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

_AFTER_RESPONSE_SECONDS = 0.002
"""By then the response has been sent and the pack is processing it."""


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """An event at one of the servers, and how many seconds after it the crash comes."""

    name: str
    matches_slack: Callable[[event_log.SlackEvent], bool] = lambda _: False
    matches_flyte: Callable[[flyte_trace.TraceEvent], bool] = lambda _: False
    after_seconds: float = 0.0
    slow_method: str = ""
    """A method of Slack's that must be slowed down for the event to occur."""


def _slack(kind: type[event_log.SlackEvent], **fields: object) -> Callable[[event_log.SlackEvent], bool]:
    return lambda seen: isinstance(seen, kind) and all(getattr(seen, name) == fields[name] for name in fields)


def _flyte(*kinds: type[flyte_trace.TraceEvent]) -> Callable[[flyte_trace.TraceEvent], bool]:
    return lambda seen: isinstance(seen, kinds)


_EVENT = _flyte(flyte_trace.EventAccepted)
_TAKEN = _flyte(flyte_trace.ActionTaken)
_COMPLETED = _flyte(flyte_trace.ActionFinished)
_POST = _slack(event_log.Post)
_SLOW_POST = _slack(event_log.FaultInjected, target="chat.postMessage")

CRASH_POINTS: Final = (
    CrashPoint("message sent to the pack", matches_slack=_slack(event_log.Delivered)),
    CrashPoint("message acknowledged", matches_slack=_slack(event_log.Acknowledged)),
    CrashPoint("event received by Flyte, before its response", matches_flyte=_EVENT),
    CrashPoint(
        "event received by Flyte, after its response", matches_flyte=_EVENT, after_seconds=_AFTER_RESPONSE_SECONDS
    ),
    CrashPoint("action given out, not yet received", matches_flyte=_TAKEN),
    CrashPoint("action received", matches_flyte=_TAKEN, after_seconds=_AFTER_RESPONSE_SECONDS),
    CrashPoint("post requested, not yet performed", matches_slack=_SLOW_POST, slow_method="chat.postMessage"),
    CrashPoint("post performed, before Slack's response", matches_slack=_POST),
    CrashPoint("post performed, after Slack's response", matches_slack=_POST, after_seconds=_AFTER_RESPONSE_SECONDS),
    CrashPoint("result received by Flyte, before its response", matches_flyte=_COMPLETED),
    CrashPoint(
        "result received by Flyte, after its response", matches_flyte=_COMPLETED, after_seconds=_AFTER_RESPONSE_SECONDS
    ),
    CrashPoint("channel history requested", matches_slack=_slack(event_log.Call, method="conversations.history")),
    CrashPoint(
        "channel joined, before Slack's response", matches_slack=_slack(event_log.Call, method="conversations.join")
    ),
    CrashPoint("pack registered, before Flyte's response", matches_flyte=_flyte(flyte_trace.PackRegistered)),
)

INTERACTION_POINTS: Final = (
    CrashPoint("interaction sent to the pack", matches_slack=_slack(event_log.InteractionSent)),
    CrashPoint("interaction acknowledged", matches_slack=_slack(event_log.InteractionEnded, failure="")),
    *(
        CrashPoint(f"{method} performed, before Slack's response", matches_slack=_slack(event_log.Call, method=method))
        for method in (
            "chat.update",
            "chat.scheduleMessage",
            "files.getUploadURLExternal",
            "files.completeUploadExternal",
            "reactions.add",
        )
    ),
)
"""Those of the variant `interactions`."""


@contextmanager
def armed(
    crash_point: CrashPoint, occurrence: int, slack: SlackServer, flyte: FlyteServer, crash: Callable[[], None]
) -> Iterator[None]:
    """Calls `crash` once, when the crash point is reached for the given time (1: the first)."""
    left = occurrence

    def on_match() -> None:
        nonlocal left
        left -= 1
        if left == 0 and crash_point.after_seconds:
            asyncio.get_running_loop().call_later(crash_point.after_seconds, crash)
        elif left == 0:
            crash()

    def on_slack_event(seen: event_log.SlackEvent) -> None:
        if crash_point.matches_slack(seen):
            on_match()

    def on_flyte_event(seen: flyte_trace.TraceEvent) -> None:
        if crash_point.matches_flyte(seen):
            on_match()

    if crash_point.slow_method:
        slack.faults.plan(crash_point.slow_method, Slow(0.05), times=occurrence)
    slack.log.listeners.append(on_slack_event)
    flyte.listeners.append(on_flyte_event)
    try:
        yield
    finally:
        slack.log.listeners.remove(on_slack_event)
        flyte.listeners.remove(on_flyte_event)
