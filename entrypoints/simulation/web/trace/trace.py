"""The trace of one message: its steps with their times, and the stage of its delivery."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

MAX_TEXT_LENGTH: Final = 2_000
"""Number of characters of a text that the page gets."""
MAX_STEPS: Final = 200
_MAX_ITEMS: Final = 50
_MAX_DEPTH: Final = 8

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
    DELIVERED = "delivered"
    IGNORED = "ignored"
    """The pack acknowledged the message without storing it: it does not listen there."""
    DEAD_LETTERED = "dead_lettered"
    UNANSWERED = "unanswered"
    """The pack did not acknowledge what a person did with the app, and Slack does not deliver it again."""


@dataclass(slots=True)
class MessageTrace:
    """A message's steps, and the actions that it led to."""

    key: MessageKey
    started_at: float
    """Monotonic time at which the message was posted, in seconds."""
    stage: DeliveryStage
    steps: list[dict[str, object]] = field(default_factory=list)
    step_count: int = 0
    pending_actions: set[str] = field(default_factory=set)
    """Their ids."""
    failed_actions: int = 0
    completed_actions: int = 0
    """Including the failed ones."""
    last_at: float = 0.0
    sources: list[str] = field(default_factory=list)
    """The names of what is traced; see `sources`."""

    def add_step(self, kind: str, at: float, details: Mapping[str, object]) -> None:
        """Add a step; the page has a label for each `kind`. Steps beyond MAX_STEPS are only counted."""
        self.step_count += 1
        self.last_at = at
        if len(self.steps) < MAX_STEPS:
            shown = {name: truncate(value) for name, value in details.items()}
            self.steps.append({"kind": kind, "ms": self._elapsed_ms(at), **shown})

    def as_json(self) -> dict[str, object]:
        """Returns the trace's current state."""
        return {
            "stage": self.stage,
            "steps": list(self.steps),
            "omitted": self.step_count - len(self.steps),
            "pending_actions": len(self.pending_actions),
            "failed_actions": self.failed_actions,
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
