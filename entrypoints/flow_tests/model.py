"""The model of a flow test: its setup and its steps. Texts are templates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias

from domain.users import User
from entrypoints.lint.findings import Finding
from entrypoints.simulation.flyte.flow_loader import Flow, FlowStep
from entrypoints.simulation.flyte.models import Event
from entrypoints.simulation.flyte.scripted_pack import PackScript
from entrypoints.simulation.pongo2.template import Template

DEFAULT_TIMEOUT_SECONDS: Final = 10.0
"""How long an expectation waits, and how long `nothing` must last, by default."""


START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""Monday morning: when a test begins, unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class PersonSetup:
    """A person in the workspace. Without a `user`, or without an id, the workspace makes one up."""

    handle: str
    user: User | None = None


@dataclass(frozen=True, slots=True)
class ChannelSetup:
    """A channel. Without an id, the workspace makes one up."""

    label: str
    id: str = ""
    is_joined: bool = True
    is_private: bool = False


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
    """Of the pack, by environment variable."""
    datastore: Mapping[str, object] = field(default_factory=dict)
    start: datetime = START


@dataclass(frozen=True, slots=True, kw_only=True)
class _Located:
    line: int = 0
    """In the test's file; 0 when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(_Located):
    """A person posts a message. An empty speaker or room is that of the previous step."""

    text: Template
    speaker: str = ""
    room: str = ""
    thread: str = ""
    """The name of a message in whose thread to reply."""
    name: str = ""
    """The message's name in other steps."""
    is_raw: bool = False
    """The text is as Slack delivers it, not as a person types it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseEvent(_Located):
    """A pack sends an event spontaneously."""

    pack: str
    event: str
    payload: object = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(_Located):
    """Time passes."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite(_Located):
    """A person invites the bot to a channel."""

    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove(_Located):
    """A person removes the bot from a channel."""

    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackFault(_Located):
    """Slack fails for some time or some requests; without either, until the next such step."""

    answer: str
    """`ratelimited`, `unreachable`, `in_doubt`, `works`, or one of Slack's error codes."""
    seconds: float | None = None
    times: int | None = None
    call: str = "post"
    """The call that fails, where the answer is an error code."""
    is_posted: bool = True
    """Whether a post in doubt reached the channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyteFault(_Located):
    """Flyte is `down`, `fails` (500), or `works` again."""

    state: str
    seconds: float | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedMessage(_Located):
    """A message from the bot. In an `object`, strings are Templates."""

    text: object = None
    room: str = ""
    """Empty: where the last message was posted."""
    thread: str = ""
    """The name of a message; empty: not in a thread."""
    fields: object = None
    """The arguments of Slack's `chat.postMessage`."""
    name: str = ""
    within: float = DEFAULT_TIMEOUT_SECONDS
    """In seconds since the step began, like `after`."""
    after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCommand(_Located):
    """A command that a flow sends to a pack."""

    command: str
    pack: str = ""
    """Empty: any pack."""
    input: object = None
    within: float = DEFAULT_TIMEOUT_SECONDS
    """In seconds since the step began, like `after`."""
    after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedEvent(_Located):
    """An event that a pack sends, spontaneously or in answer to a command."""

    event: str
    pack: str = ""
    payload: object = None
    within: float = DEFAULT_TIMEOUT_SECONDS
    """In seconds since the step began, like `after`."""
    after: float = 0.0


Expected: TypeAlias = ExpectedMessage | ExpectedCommand | ExpectedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect(_Located):
    """Expects messages, commands and events, in this order or in any. Other messages fail the test unless allowed."""

    expected: Sequence[Expected]
    within: float = DEFAULT_TIMEOUT_SECONDS
    """The default of the expectations in files."""
    in_any_order: bool = False
    are_others_allowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectNothing(_Located):
    """The bot posts nothing, and no flow sends a command."""

    seconds: float = DEFAULT_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat(_Located):
    """Runs the same steps several times; `every` is the period in seconds."""

    times: int
    every: float = 0.0
    steps: "Sequence[TestStep]"


TestStep: TypeAlias = (
    Say | RaiseEvent | Wait | Invite | Remove | SlackFault | FlyteFault | Expect | ExpectNothing | Repeat
)


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
