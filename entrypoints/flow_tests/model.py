"""What a flow test says: the world that it plays in, and its steps. Texts are templates over that world's names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from domain.users import User
from entrypoints.flow_tests.clock.virtual_time import START
from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.flyte.scripted_pack import PackScript
from entrypoints.simulation.pongo2.template import Template

DEFAULT_TIMEOUT_SECONDS: Final = 10.0
"""How long an expectation waits, and how long `nothing` has to last, unless the test says otherwise."""


@dataclass(frozen=True, slots=True)
class PersonSetup:
    """Somebody in the workspace, who is made up but for what is said of the `user`; one without an id gets one."""

    handle: str
    user: User | None = None


@dataclass(frozen=True, slots=True)
class ChannelSetup:
    """A channel; one without an id gets one."""

    label: str
    id: str = ""
    is_joined: bool = True
    is_private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTestSetup:
    """The world before anything happens."""

    flows: Sequence[Flow] = ()
    packs: Sequence[PackScript] = ()
    people: Sequence[PersonSetup] = (PersonSetup("alice"), PersonSetup("bob"))
    channels: Sequence[ChannelSetup] = (ChannelSetup("#general"), ChannelSetup("#ops"))
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of the pack, by the names of its variables."""
    datastore: Mapping[str, object] = field(default_factory=dict)
    start: datetime = START


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Somebody says something. An empty speaker or room is the one of the step before."""

    line: int = 0
    text: Template
    speaker: str = ""
    room: str = ""
    thread: str = ""
    """The name of a message, whose thread it is said in."""
    name: str = ""
    """By which other steps refer to the message."""
    is_raw: bool = False
    """The text is as Slack passes it on, not as somebody types it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseEvent:
    """A pack sends an event of its own accord."""

    line: int = 0
    pack: str
    event: str
    payload: object = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Time passes."""

    line: int = 0
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """Somebody invites the bot into a channel."""

    line: int = 0
    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Somebody removes the bot from a channel."""

    line: int = 0
    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackFault:
    """From now on Slack answers otherwise, for so long or so many times; without both, until the next such step."""

    line: int = 0
    answer: str
    """`ratelimited`, `unreachable`, `in_doubt`, `works`, or one of Slack's error codes."""
    seconds: float | None = None
    times: int | None = None
    call: str = "post"
    """What is answered in this way, where it is an error code."""
    is_posted: bool = True
    """Whether the message of a post in doubt stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyteFault:
    """From now on Flyte is `down`, `fails` (500), or `works` again."""

    line: int = 0
    state: str
    seconds: float | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedMessage:
    """A message of the bot's. Where a tree stands (`object`), strings are Templates."""

    line: int = 0
    text: object = None
    room: str = ""
    """Empty: where something was said last."""
    thread: str = ""
    """The name of a message; empty: in the channel itself."""
    fields: object = None
    """Of Slack's `chat.postMessage`."""
    name: str = ""
    within: float = DEFAULT_TIMEOUT_SECONDS
    """In seconds since the step began, like `after`."""
    after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCommand:
    """A command that a flow sends to a pack."""

    line: int = 0
    command: str
    pack: str = ""
    """Empty: whichever."""
    input: object = None
    within: float = DEFAULT_TIMEOUT_SECONDS
    """In seconds since the step began, like `after`."""
    after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedEvent:
    """An event that a pack sends, of its own accord or as the answer to a command."""

    line: int = 0
    event: str
    pack: str = ""
    payload: object = None
    within: float = DEFAULT_TIMEOUT_SECONDS
    """In seconds since the step began, like `after`."""
    after: float = 0.0


Expected: TypeAlias = ExpectedMessage | ExpectedCommand | ExpectedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """Expects some things in this order, or in any; other messages fail the test unless they are allowed."""

    line: int = 0
    expected: Sequence[Expected]
    within: float = DEFAULT_TIMEOUT_SECONDS
    """The default for those expected in files."""
    in_any_order: bool = False
    are_others_allowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectNothing:
    """The bot says nothing, and no flow sends a command."""

    line: int = 0
    seconds: float = DEFAULT_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """The same steps, again and again; `n` counts from 1. `every` is from beginning to beginning, in seconds."""

    line: int = 0
    times: int
    every: float = 0.0
    steps: "Sequence[TestStep]"


TestStep: TypeAlias = (
    Say | RaiseEvent | Wait | Invite | Remove | SlackFault | FlyteFault | Expect | ExpectNothing | Repeat
)


@dataclass(frozen=True, slots=True)
class FlowTest:
    """One test."""

    name: str
    file: Path
    line: int
    setup: FlowTestSetup
    steps: Sequence[TestStep]
