"""The trace of one message: its steps with their times, the stage of its delivery, and its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

MAX_TEXT_LENGTH: Final = 2_000
"""Number of characters of a text that the page gets."""
MAX_STEPS: Final = 200
_MAX_ITEMS: Final = 50
_MAX_DEPTH: Final = 8
_NOTHING_SHOWN: Final = "no step does anything that shows in Slack"

MessageKey: TypeAlias = tuple[str, str]
"""A message's channel and `ts`."""


class DeliveryStage(StrEnum):
    """How far a message has come from Slack to Flyte."""

    BOT_ABSENT = "bot_absent"
    """The bot is not in the conversation."""
    AT_SLACK = "at_slack"
    """The pack has not acknowledged the message."""
    IN_PACK = "in_pack"
    """The pack has stored the message, and Flyte has not accepted it yet."""
    ACKNOWLEDGED = "acknowledged"
    """An app of any kind has acknowledged the message; what comes of it is not known."""
    DELIVERED = "delivered"
    IGNORED = "ignored"
    """The pack acknowledged the message without storing it: it does not listen there."""
    DEAD_LETTERED = "dead_lettered"
    UNANSWERED = "unanswered"
    """The pack did not acknowledge what a person did with the app, and Slack does not deliver it again."""


class OutcomeKind(StrEnum):
    """The kinds of outcomes of a message."""

    UNDELIVERED = "undelivered"
    """Flyte has not accepted it; the stage tells more."""
    NO_FLOW = "no_flow"
    """No step ran."""
    PENDING = "pending"
    """An action has no result yet."""
    FAILED = "failed"
    """An action or a template failed, and no step handled it."""
    NOT_ANSWERED = "not_answered"
    """Steps ran, and nothing that they did shows in Slack."""
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a message."""

    kind: OutcomeKind
    reason: str = ""
    """The failure, the obstacle, the reason why no one was answered, or the answer that no step waits for; may be
    empty."""
    at: float = 0.0
    """The time of the first answer, or else of the last step."""


@dataclass(slots=True)
class MessageTrace:
    """A message's steps, and the actions that it led to."""

    key: MessageKey
    started_at: float
    """Monotonic time at which the message was posted, in seconds."""
    stage: DeliveryStage
    steps: list[dict[str, object]] = field(default_factory=list)
    step_count: int = 0
    pending_actions: dict[str, str] = field(default_factory=dict)
    """The obstacle that keeps each action from being taken, by action id; empty if there is none."""
    failures: dict[str, str] = field(default_factory=dict)
    """The actions that failed and that no step has handled, by id, with what to say of them."""
    flow_failure: str = ""
    """The flow, the step and the error of a template that failed; empty if none did."""
    completed_actions: int = 0
    """Including the failed ones."""
    answered_at: float | None = None
    """Monotonic time at which the app first did something that shows in Slack."""
    mismatch: str = ""
    """Which answer of a pack no step waits for, though one waits for another; empty if there is none."""
    unmet: str = ""
    """Why nothing followed from the result of an action: no step waits for it, or the one that does did not run."""
    last_at: float = 0.0
    sources: list[str] = field(default_factory=list)
    """The names of the traced actions; see the module `sources`."""

    def add_step(self, kind: str, at: float, details: Mapping[str, object]) -> None:
        """Adds a step; the page has a label for each `kind`. Steps beyond MAX_STEPS are only counted."""
        self.step_count += 1
        self.last_at = at
        if len(self.steps) < MAX_STEPS:
            shown = {name: truncate(value) for name, value in details.items()}
            self.steps.append({"kind": kind, "ms": self._elapsed_ms(at), **shown})

    def handle_failure(self, action_id: str, step: str) -> None:
        """Records that this step runs for the failure of an action."""
        if self.failures.pop(action_id, None) is not None:
            self.steps = [
                {**known, "handled_by": step} if known.get("failed_action") == action_id else known
                for known in self.steps
            ]

    @property
    def outcome(self) -> Outcome:
        """The message's outcome so far. A failure that no step handles takes precedence over everything else."""
        if self.stage is not DeliveryStage.DELIVERED:
            return Outcome(OutcomeKind.UNDELIVERED)
        if failure := next(iter(self.failures.values()), self.flow_failure):
            return Outcome(OutcomeKind.FAILED, failure, self.last_at)
        if self.pending_actions:
            return Outcome(OutcomeKind.PENDING, next(filter(None, self.pending_actions.values()), ""), self.last_at)
        if self.answered_at is not None:
            return Outcome(OutcomeKind.ANSWERED, self.mismatch, self.answered_at)
        if not self.completed_actions:
            return Outcome(OutcomeKind.NO_FLOW, at=self.last_at)
        return Outcome(OutcomeKind.NOT_ANSWERED, self.mismatch or self.unmet or _NOTHING_SHOWN, self.last_at)

    def as_json(self) -> dict[str, object]:
        """Returns the trace's current state."""
        outcome = self.outcome
        return {
            "stage": self.stage,
            "outcome": {"kind": outcome.kind, "reason": truncate(outcome.reason), "ms": self._elapsed_ms(outcome.at)},
            "steps": list(self.steps),
            "omitted": self.step_count - len(self.steps),
            "pending_actions": len(self.pending_actions),
            "failed_actions": len(self.failures),
            "completed_actions": self.completed_actions,
            "last_ms": self._elapsed_ms(self.last_at),
        }

    def _elapsed_ms(self, at: float) -> float:
        return round((at - self.started_at) * 1_000, 1)


def truncate(value: object, depth: int = 0) -> object:
    """Returns a JSON value cut to a size that the page can show."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT_LENGTH else f"{value[:MAX_TEXT_LENGTH]}…"
    if isinstance(value, list | tuple | dict) and depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, list | tuple):
        return [truncate(item, depth + 1) for item in value[:_MAX_ITEMS]]
    if isinstance(value, dict):
        return {str(key): truncate(item, depth + 1) for key, item in list(value.items())[:_MAX_ITEMS]}
    return value
