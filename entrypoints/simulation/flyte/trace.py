"""What a simulated Flyte tells its watchers: every event, every step considered and why, every action."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from entrypoints.simulation.flyte.models import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEvent:
    """Something that happened, `at` a time of the monotonic clock, in seconds."""

    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class PackRegistered(TraceEvent):
    """A pack made itself known, for the first time or again."""

    pack_id: str


@dataclass(frozen=True, slots=True)
class EventAccepted(TraceEvent):
    """An event was accepted; its flows run from here on."""

    pack_id: str
    event: str
    payload: object


@dataclass(frozen=True, slots=True)
class StepEvaluated(TraceEvent):
    """A step's event came in; what became of the step is in the subclasses."""

    flow: str
    step: str
    run_id: str
    event: str
    trigger: Event = field(repr=False)
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StepMatched(StepEvaluated):
    """The step ran: its action is `action_id`."""

    criteria: str
    rendered: str
    action_id: str


@dataclass(frozen=True, slots=True)
class StepUnmatched(StepEvaluated):
    """The step did not run: `reason` says why; the criteria, where it got so far, and what it rendered to."""

    reason: str
    criteria: str
    rendered: str


@dataclass(frozen=True, slots=True)
class StepFailed(StepEvaluated):
    """The step could not be evaluated, so it did not run; `part` names the template, such as `criteria`."""

    part: str
    error: str


@dataclass(frozen=True, slots=True)
class ActionCreated(TraceEvent):
    """An action waits for a pack."""

    action_id: str
    pack: str
    command: str
    input: object


@dataclass(frozen=True, slots=True)
class ActionTaken(TraceEvent):
    """A pack has the action in hand."""

    action_id: str
    pack_id: str
    command: str


@dataclass(frozen=True, slots=True)
class ActionFinished(TraceEvent):
    """A pack answered the action."""

    action_id: str
    pack_id: str
    command: str
    event: str
    payload: object


@dataclass(frozen=True, slots=True)
class RequestServed(TraceEvent):
    """A request was answered; `status` is 0 when the connection was dropped, `fault` says what was planned for it."""

    route: str
    method: str
    path: str
    status: int
    fault: str
