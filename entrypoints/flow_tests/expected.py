"""What a flow test expects. In an `object`, strings are templates; names of messages are those of earlier steps."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from entrypoints.flow_tests.steps import Located

DEFAULT_TIMEOUT_SECONDS: Final = 10.0
"""How long an expectation waits, and how long `nothing` must last, by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Expectation(Located):
    within: float = DEFAULT_TIMEOUT_SECONDS
    """The time limit, in seconds since the step began, like `after`."""
    after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content(_Expectation):
    text: object = None
    """A text or a matcher; None for any."""
    fields: object = None
    """The fields of the message or the view."""
    actions: object = None
    """The labels, or `action_id`s, of everything that can be clicked or chosen, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedMessage(_Content):
    """A message from the bot. `fields` are the arguments of Slack's `chat.postMessage`."""

    room: str = ""
    """Empty: where the last message was posted."""
    thread: str = ""
    """The name of a message; empty: not in a thread."""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedUpdate(_Content):
    """The bot changes a message."""

    message: str = ""
    """The name of the message; empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedDeletion(_Expectation):
    """The bot deletes a message."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedReaction(_Expectation):
    """The bot adds a reaction to a message, or removes it."""

    emoji: str
    message: str = ""
    """The name of the message; empty: any."""
    is_removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedEphemeral(_Content):
    """A message from the bot that one person sees."""

    person: str = ""
    """Empty: the person who acted last."""
    room: str = ""
    thread: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedDirectMessage(_Content):
    """A message from the bot in its direct messages with a person."""

    person: str = ""
    """Empty: the person who acted last."""
    thread: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedModal(_Content):
    """A modal that a person sees: opened, or changed by the app. `text` is that of its blocks."""

    title: object = None
    """A text or a matcher; None for any."""
    person: str = ""
    """Empty: the person who acted last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedHome(_Content):
    """The app shows something on a person's Home tab."""

    person: str = ""
    """Empty: the person who acted last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFile(_Expectation):
    """A file that the bot shares; `text` is the message with it."""

    filename: object = None
    """A text or a matcher; None for any."""
    title: object = None
    text: object = None
    content: object = None
    room: str = ""
    thread: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCommand(_Expectation):
    """A command that a flow sends to a pack."""

    command: str
    pack: str = ""
    """Empty: any pack."""
    input: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedEvent(_Expectation):
    """An event that a pack sends, spontaneously or in answer to a command."""

    event: str
    pack: str = ""
    payload: object = None


Visible: TypeAlias = (
    ExpectedMessage
    | ExpectedUpdate
    | ExpectedEphemeral
    | ExpectedDirectMessage
    | ExpectedModal
    | ExpectedHome
    | ExpectedFile
)
"""The expectations that have a text."""

Expected: TypeAlias = Visible | ExpectedDeletion | ExpectedReaction | ExpectedCommand | ExpectedEvent
