"""The trace of a simulated Flyte: events, evaluated steps, actions and requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from entrypoints.simulation.event_feed import TimedEvent
from entrypoints.simulation.flyte.models import FATAL, Event


@dataclass(frozen=True, slots=True)
class TraceEvent(TimedEvent):
    """An event in the simulated Flyte."""


@dataclass(frozen=True, slots=True)
class PackRegistered(TraceEvent):
    """A pack registered, for the first time or again."""

    pack_id: str


@dataclass(frozen=True, slots=True)
class EventAccepted(TraceEvent):
    """An event was accepted, before its flows run."""

    pack_id: str
    event: str
    payload: object


@dataclass(frozen=True, slots=True)
class StepEvaluated(TraceEvent):
    """A step was evaluated for its event, with the outcome that a subclass has."""

    flow: str
    step: str
    run_id: str
    event: str
    trigger: Event = field(repr=False)
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StepMatched(StepEvaluated):
    """The step ran and created an action."""

    criteria: str
    rendered: str
    action_id: str


@dataclass(frozen=True, slots=True)
class StepUnmatched(StepEvaluated):
    """The step did not run; `criteria` and `rendered` are empty when the reason precedes their evaluation."""

    reason: str
    criteria: str
    rendered: str


@dataclass(frozen=True, slots=True)
class StepFailed(StepEvaluated):
    """The step did not run because a template failed; `part` names the template, such as `criteria`."""

    part: str
    error: str


@dataclass(frozen=True, slots=True)
class ActionCreated(TraceEvent):
    """An action was created for a pack."""

    action_id: str
    pack: str
    command: str
    input: object


@dataclass(frozen=True, slots=True)
class ActionTaken(TraceEvent):
    """A pack took an action."""

    action_id: str
    pack_id: str
    command: str


@dataclass(frozen=True, slots=True)
class ActionFinished(TraceEvent):
    """A pack completed an action."""

    action_id: str
    pack_id: str
    command: str
    event: str
    payload: object

    @property
    def has_failed(self) -> bool:
        """Whether the answer reports a failure."""
        return self.event == FATAL or self.event.endswith(("Failed", "Fail"))

    @property
    def outcome(self) -> str:
        """How messages tell the answer: `Deploy ends in DeployFailed: no such version`."""
        error = self.payload.get("error") if isinstance(self.payload, dict) else self.payload
        return f"{self.command} ends in {self.event}" + (f": {error}" if isinstance(error, str) else "")


@dataclass(frozen=True, slots=True)
class RequestServed(TraceEvent):
    """A request was served; `status` is 0 when the connection was dropped, `fault` names the fault applied to it."""

    route: str
    method: str
    path: str
    status: int
    fault: str


def step_name(flow: str, step: str) -> str:
    """Returns how messages name a step: `flow echo, step answer`."""
    return f"flow {flow}" + (f", step {step}" if step else "")
