"""What goes wrong in a flow test, and for how long."""

import math
from dataclasses import dataclass
from typing import Final

from slack_sdk.errors import SlackApiError

from adapters.slack.errors import ApiCall, chat_error
from application.ports.clock import Clock
from domain.errors import (
    ChatError,
    InDoubt,
    RateLimited,
    Unreachable,
    WorkflowError,
    WorkflowServerError,
    WorkflowUnreachable,
)
from entrypoints.flow_tests.model import FlyteFault, SlackFault

WORKS: Final = "works"
_METHODS: Final = {
    "post": "chat.postMessage",
    "join": "conversations.join",
    "leave": "conversations.leave",
    "look_up": "users.info",
}
"""Slack's own names for what a port's methods do."""


@dataclass(slots=True)
class _Duration:
    """How long something lasts: until a time of the monotonic clock, and so many times."""

    until: float = math.inf
    times: float = math.inf

    def is_active(self, now: float) -> bool:
        return now < self.until and self.times > 0


def _duration(clock: Clock, seconds: float | None, times: int | None) -> _Duration:
    return _Duration(
        math.inf if seconds is None else clock.monotonic() + seconds,
        math.inf if times is None else times,
    )


class SlackFaults:
    """What Slack answers in place of what it should; one trouble at a time, and none at first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._trouble = SlackFault(answer=WORKS)
        self._spell = _Duration(times=0)

    def set(self, trouble: SlackFault) -> None:
        """From now on this one, in the place of whatever was."""
        self._trouble = trouble
        self._spell = _duration(self._clock, trouble.seconds, trouble.times)

    @property
    def is_unreachable(self) -> bool:
        """Whether no request gets through, and nothing can be heard."""
        return self._trouble.answer == "unreachable" and self._spell.is_active(self._clock.monotonic())

    def next_error(self, call: str, subject: str = "") -> ChatError | None:
        """The error that a call is to end in, if it is one that something is wrong with; counts as one time."""
        trouble = self._trouble
        concerns = trouble.answer == "unreachable" or call == trouble.call
        if trouble.answer == WORKS or not concerns or not self._spell.is_active(self._clock.monotonic()):
            return None
        self._spell.times -= 1
        match trouble.answer:
            case "unreachable":
                return Unreachable("unreachable", "no connection to Slack could be made")
            case "ratelimited" if math.isfinite(self._spell.until):
                return RateLimited(self._spell.until - self._clock.monotonic())
            case "in_doubt":
                return InDoubt("timeout", f"Slack did not answer {_METHODS[call]} in time")
            case code:
                api_call = ApiCall(_METHODS[call], subject, is_repeatable=call != "post")
                answer = SlackApiError(code, {"error": code})  # type: ignore[no-untyped-call] # slack_sdk's
                return chat_error(answer, api_call)

    @property
    def is_posted(self) -> bool:
        """Whether the message of a post in doubt stands."""
        return self._trouble.is_posted


class FlyteFaults:
    """Whether Flyte is down, or fails; it works at first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state = WORKS
        self._spell = _Duration(times=0)

    def set(self, trouble: FlyteFault) -> None:
        """From now on this one, in the place of whatever was."""
        self._state = trouble.state
        self._spell = _duration(self._clock, trouble.seconds, trouble.times)

    def next_error(self) -> WorkflowError | None:
        """The error that a request is to end in; counts as one time."""
        if self._state == WORKS or not self._spell.is_active(self._clock.monotonic()):
            return None
        self._spell.times -= 1
        if self._state == "down":
            return WorkflowUnreachable("no connection to Flyte could be made")
        return WorkflowServerError("Flyte answered with 500")
