"""What a flow test can observe, each with its time in virtual seconds since the test began."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from entrypoints.simulation.workspaces.workspace import ChatMessage, MessageChanged, ReactionChanged, ViewShown


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file in a message."""

    name: str
    title: str
    content: str


@dataclass(frozen=True, slots=True)
class BotMessage:
    """The bot posted a message."""

    at: float
    message: ChatMessage
    fields: object
    """The arguments of Slack's `chat.postMessage`, as the pack sent them."""
    files: Sequence[SharedFile] = ()


@dataclass(frozen=True, slots=True)
class BotEphemeral:
    """The bot showed a message to one person."""

    at: float
    message: ChatMessage


@dataclass(frozen=True, slots=True)
class BotUpdate:
    """The bot changed a message."""

    at: float
    message: ChatMessage
    """As it is now."""


@dataclass(frozen=True, slots=True)
class BotDeletion:
    """The bot deleted a message."""

    at: float
    notice: MessageChanged


@dataclass(frozen=True, slots=True)
class BotReaction:
    """The bot added a reaction, or removed it."""

    at: float
    notice: ReactionChanged


@dataclass(frozen=True, slots=True)
class BotView:
    """The bot opened or changed a modal, or a Home tab."""

    at: float
    notice: ViewShown


@dataclass(frozen=True, slots=True)
class CommandSent:
    """A step of a flow sent a command."""

    at: float
    pack: str
    command: str
    input: object
    action_id: str


@dataclass(frozen=True, slots=True)
class EventSent:
    """A pack sent an event."""

    at: float
    pack: str
    event: str
    payload: object


Observed: TypeAlias = (
    BotMessage | BotEphemeral | BotUpdate | BotDeletion | BotReaction | BotView | CommandSent | EventSent
)
"""Anything."""

NewMessage: TypeAlias = BotMessage | BotEphemeral
"""Messages that fail a test unless they are expected."""
