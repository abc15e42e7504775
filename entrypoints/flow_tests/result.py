"""Test results."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from entrypoints.flow_tests.model import Test
from entrypoints.simulation.console.output import Line


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a test failed."""

    line: int
    """The step's line in the test's file; 0 when it is unknown."""
    step: str
    """`step 2`, or `step 3, round 14, step 1`."""
    reason: str
    """The reason in a sentence or two."""
    diff: Sequence[Line] = ()
    """The conversation, with expected and actual messages."""
    trace: Sequence[Line] = ()
    """Everything that followed from the last action, including criteria that were not met."""


@dataclass(frozen=True, slots=True)
class FlowTestResult:
    """The result of one test; it passed when there is no failure."""

    test: Test
    failure: Failure | None
    virtual_seconds: float
    real_seconds: float
    conversation: Sequence[Line] = field(default=(), repr=False)
    """All messages; in the test of a single step, its action or the reason why there is none."""
