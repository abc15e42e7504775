"""The way of one message: the stations that it passes, with their times, and how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

MAX_TEXT_LENGTH: Final = 2_000
"""Characters of a text that a page is shown."""
MAX_STEPS: Final = 200
_MOST_ITEMS: Final = 50
_DEEPEST: Final = 8

MessageKey: TypeAlias = tuple[str, str]
"""A message's channel and `ts`."""


class DeliveryStage(StrEnum):
    """How far a message has come on its way to the engine."""

    BOT_ABSENT = "unheard"
    """The bot is not where it was said."""
    AT_SLACK = "at_slack"
    """The pack has not acknowledged it."""
    IN_PACK = "in_pack"
    """The pack has it, the engine not."""
    DELIVERED = "delivered"
    IGNORED = "ignored"
    """The pack acknowledged it without keeping it: it does not listen there."""
    DEAD_LETTERED = "set_aside"


@dataclass(slots=True)
class MessageTrace:
    """A message's stations, and the actions that it led to."""

    key: MessageKey
    said_at: float
    """By the monotonic clock."""
    stage: DeliveryStage = DeliveryStage.AT_SLACK
    steps: list[dict[str, object]] = field(default_factory=list)
    passed: int = 0
    open_actions: set[str] = field(default_factory=set)
    """Their ids."""
    failed_actions: int = 0
    answers: int = 0
    last_at: float = 0.0

    def add_step(self, kind: str, at: float, details: Mapping[str, object]) -> None:
        """Note a station; `kind` is known to the page. Of a way without end only the beginning is kept."""
        self.passed += 1
        self.last_at = at
        if len(self.steps) < MAX_STEPS:
            station = {name: truncate(value) for name, value in details.items()}
            self.steps.append({"kind": kind, "ms": self.milliseconds(at), **station})

    def milliseconds(self, at: float) -> float:
        """How long after it was said this is."""
        return round((at - self.said_at) * 1_000, 1)

    def as_json(self) -> dict[str, object]:
        """The way as it is now."""
        return {
            "stage": self.stage,
            "stations": list(self.steps),
            "left_out": self.passed - len(self.steps),
            "open_actions": len(self.open_actions),
            "failed_actions": self.failed_actions,
            "answers": self.answers,
            "last_ms": self.milliseconds(self.last_at),
        }


def truncate(value: object, depth: int = 0) -> object:
    """A JSON value, cut to what a page can show."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT_LENGTH else f"{value[:MAX_TEXT_LENGTH]}…"
    if isinstance(value, list | tuple | dict) and depth >= _DEEPEST:
        return "…"
    if isinstance(value, list | tuple):
        return [truncate(item, depth + 1) for item in value[:_MOST_ITEMS]]
    if isinstance(value, dict):
        return {str(key): truncate(item, depth + 1) for key, item in list(value.items())[:_MOST_ITEMS]}
    return value
