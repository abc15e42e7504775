"""The model of a flow test: its setup, and its steps in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

from domain.users import User
from entrypoints.flow_tests.expected import DEFAULT_TIMEOUT_SECONDS, Expected
from entrypoints.flow_tests.steps import Action, Located, Wait
from entrypoints.lint.findings import Finding
from entrypoints.simulation.flyte.flow_loader import Flow, FlowStep
from entrypoints.simulation.flyte.models import Event
from entrypoints.simulation.flyte.scripted_pack import PackScript
from entrypoints.simulation.workspaces.channels import ChannelSetup

START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""Monday morning: when a test begins, unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class PersonSetup:
    """A person in the workspace. Without a `user`, or without an id, the workspace makes one up."""

    handle: str
    user: User | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTestSetup:
    """The environment before the first step."""

    flows: Sequence[Flow] = ()
    findings: Sequence[Finding] = ()
    """The mistakes in the flows."""
    packs: Sequence[PackScript] = ()
    people: Sequence[PersonSetup] = (PersonSetup("alice"), PersonSetup("bob"))
    channels: Sequence[ChannelSetup] = (ChannelSetup("#general"), ChannelSetup("#ops"))
    settings: Mapping[str, str] = field(default_factory=dict)
    """The pack's settings, by environment variable."""
    datastore: Mapping[str, object] = field(default_factory=dict)
    start: datetime = START


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect(Located):
    """Expects messages, commands and events, in this order or in any. Other messages fail the test unless allowed."""

    expected: Sequence[Expected]
    within: float = DEFAULT_TIMEOUT_SECONDS
    """The default of the expectations in files."""
    in_any_order: bool = False
    are_others_allowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectNothing(Located):
    """The bot posts nothing, and no flow sends a command."""

    seconds: float = DEFAULT_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(Located):
    """Runs the same steps several times; `every` is the period in seconds."""

    times: int
    every: float = 0.0
    steps: "Sequence[TestStep]"


TestStep: TypeAlias = Action | Wait | Expect | ExpectNothing | Repeat


@dataclass(frozen=True, slots=True)
class FlowTest:
    """One flow test."""

    name: str
    file: Path
    line: int
    setup: FlowTestSetup
    steps: Sequence[TestStep]

    @property
    def warnings(self) -> Sequence[str]:
        """The warnings about its flows."""
        return [str(finding) for finding in self.setup.findings]


@dataclass(frozen=True, slots=True)
class StepTest:
    """A test of a single step, and the event to evaluate it for."""

    name: str
    file: Path
    line: int
    step: FlowStep
    event: Event
    context: Mapping[str, str]
    datastore: Mapping[str, object]
    expected: Mapping[str, object] | None
    """What the action must have, by the keys of its JSON; None when the step must not run."""
    warnings: Sequence[str] = ()
    """The warnings about the step."""


Test: TypeAlias = FlowTest | StepTest
