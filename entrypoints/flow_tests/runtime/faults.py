"""The faults of Slack and Flyte in a flow test, and how long they last."""

import asyncio
import math
from datetime import UTC, datetime
from typing import Final

from slack_sdk.errors import SlackApiError

from adapters.slack.errors import ApiCall, chat_error
from domain.errors import (
    ChatError,
    InDoubt,
    RateLimited,
    Unreachable,
    WorkflowError,
    WorkflowServerError,
    WorkflowUnreachable,
)
from entrypoints.flow_tests.steps import FlyteFault, SlackFault

_WORKS: Final = "works"
_METHODS: Final = {
    "post": "chat.postMessage",
    "join": "conversations.join",
    "leave": "conversations.leave",
    "look_up": "users.info",
}
"""Slack's methods, by the port's."""


class _Limit:
    """How long a fault lasts: for some time, and for some requests."""

    def __init__(self, fault: SlackFault | FlyteFault) -> None:
        self._until = math.inf if fault.seconds is None else _now() + fault.seconds
        self._times = math.inf if fault.times is None else fault.times

    @property
    def seconds_left(self) -> float:
        """Returns how long the fault still lasts; 0 when it is over."""
        return max(0.0, self._until - _now()) if self._times > 0 else 0.0

    def count(self) -> bool:
        """Counts a request. Returns whether it fails."""
        is_active = self.seconds_left > 0
        self._times -= is_active
        return is_active


class SlackFaults:
    """Slack's current fault; none at first."""

    def __init__(self) -> None:
        self.set(SlackFault(answer=_WORKS))

    def set(self, fault: SlackFault) -> None:
        """Replaces the current fault."""
        self._fault = fault
        self._limit = _Limit(fault)

    @property
    def is_unreachable(self) -> bool:
        """Whether no request gets through and no event arrives."""
        return self._fault.answer == "unreachable" and self._limit.seconds_left > 0

    @property
    def is_posted(self) -> bool:
        """Whether a post in doubt reaches the channel."""
        return self._fault.is_posted

    def next_error(self, call: str, subject: str = "") -> ChatError | None:
        """Returns the error in which a call has to end, if any; counts as one request."""
        answer, seconds_left = self._fault.answer, self._limit.seconds_left
        is_concerned = answer == "unreachable" or call == self._fault.call
        if answer == _WORKS or not is_concerned or not self._limit.count():
            return None
        match answer:
            case "unreachable":
                return Unreachable("unreachable", "no connection to Slack could be made")
            case "ratelimited" if self._fault.seconds is not None:
                return RateLimited(seconds_left)
            case "in_doubt":
                return InDoubt("timeout", f"Slack did not answer {_METHODS[call]} in time")
            case code:
                error = SlackApiError(code, {"error": code})  # type: ignore[no-untyped-call] # slack_sdk's
                return chat_error(
                    error, ApiCall(_METHODS[call], subject, is_repeatable=call != "post"), datetime.now(UTC)
                )


class FlyteFaults:
    """Flyte's current fault; none at first."""

    def __init__(self) -> None:
        self.set(FlyteFault(state=_WORKS))

    def set(self, fault: FlyteFault) -> None:
        """Replaces the current fault."""
        self._state = fault.state
        self._limit = _Limit(fault)

    def next_error(self) -> WorkflowError | None:
        """Returns the error in which a request has to end, if any; counts as one request."""
        if self._state == _WORKS or not self._limit.count():
            return None
        if self._state == "down":
            return WorkflowUnreachable("no connection to Flyte could be made")
        return WorkflowServerError("Flyte answered with 500")


def _now() -> float:
    return asyncio.get_running_loop().time()
