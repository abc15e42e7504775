"""The steps of a flow test in which something happens: what people and packs do, faults, and the time.

Texts are templates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from entrypoints.simulation.pongo2.template import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A part of a test."""

    line: int = 0
    """In the test's file; 0 when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Located):
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
class RaiseEvent(Located):
    """A pack sends an event spontaneously."""

    pack: str
    event: str
    payload: object = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait(Located):
    """Time passes."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite(Located):
    """A person invites the bot to a channel."""

    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove(Located):
    """A person removes the bot from a channel."""

    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackFault(Located):
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
class FlyteFault(Located):
    """Flyte is `down`, `fails` (500), or `works` again."""

    state: str
    seconds: float | None = None
    times: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _PersonalStep(Located):
    speaker: str = ""
    """Empty: that of the previous step, like an empty room."""
    room: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Click(_PersonalStep):
    """A person clicks a button in a message or in an open modal."""

    element: Template
    """What is written on it, or its `action_id`."""
    message: str = ""
    """The name of the message. Empty: the person's open modal, or else the latest message with elements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose(_PersonalStep):
    """A person chooses something in an element of a message or of an open modal."""

    choice: object
    """An option's label or value, a name, a date, a time, or a list of them."""
    element: Template | None = None
    """Its label or placeholder, or its `action_id`; None for the only one."""
    message: str = ""
    """As in Click."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit(_PersonalStep):
    """A person fills in the open modal and submits it."""

    values: object
    """What to enter or choose, by label or `action_id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseModal(_PersonalStep):
    """A person closes the open modal, or all that lie on one another."""

    which: str
    """`modal` or `all`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class React(_PersonalStep):
    """A person reacts to a message."""

    emoji: str
    message: str = ""
    """Empty: the latest message of the room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreact(_PersonalStep):
    """A person withdraws a reaction."""

    emoji: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(_PersonalStep):
    """A person changes the text of a message of theirs."""

    text: Template
    message: str = ""
    """Empty: the latest message of this person in the room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete(_PersonalStep):
    """A person deletes a message of theirs."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand(_PersonalStep):
    """A person runs a slash command."""

    command: Template
    """With its slash and its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseShortcut(_PersonalStep):
    """A person uses a shortcut."""

    callback_id: str
    message: str = ""
    """The name of the message in whose menu it is; empty for a global one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(_PersonalStep):
    """A person shares a file."""

    filename: str
    content: Template | None = None
    text: Template | None = None
    """What the person writes beside it."""
    thread: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHome(_PersonalStep):
    """A person opens the app's Home tab."""

    what: str
    """`home`."""


MessageStep: TypeAlias = Say | Upload | React | Unreact | Edit | Delete
"""What people do with messages."""

AppStep: TypeAlias = Click | Choose | Submit | CloseModal | RunCommand | UseShortcut | OpenHome
"""What people do with the app."""

Action: TypeAlias = MessageStep | AppStep | RaiseEvent | Invite | Remove | SlackFault | FlyteFault
"""Steps that happen at an instant, and after which expectations are timed."""
