"""What came of a test."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from entrypoints.simulation.console.output import Line


class Tested(Protocol):
    """What a verdict is about."""

    @property
    def name(self) -> str:
        """As its author calls it."""

    @property
    def file(self) -> Path:
        """Where it is written down."""

    @property
    def line(self) -> int:
        """Where in the file; 0 when nobody knows."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a test failed."""

    line: int
    """Of the step, in the test's file; 0 when nobody knows."""
    step: str
    """Which step it was: `step 2`, `step 3, round 14, step 1`."""
    reason: str
    """In a sentence or two."""
    diff: Sequence[Line] = ()
    """The conversation: what was expected and what happened."""
    trace: Sequence[Line] = ()
    """What followed from what was said or done last, and which criteria said no."""


@dataclass(frozen=True, slots=True)
class FlowTestResult:
    """The end of one test: it passed when there is no failure."""

    test: Tested
    failure: Failure | None
    virtual_seconds: float
    real_seconds: float
    conversation: Sequence[Line] = field(default=(), repr=False)
    """All that was said; of a step alone, what became of it."""
