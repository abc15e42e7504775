"""What happened: the events that the pack reports to the workflow engine."""

from dataclasses import dataclass
from typing import TypeAlias

from domain.channels import ChannelId
from domain.json_values import JsonObject
from domain.messages import IncomingMessage, OutgoingMessage, Receipt
from domain.users import User


@dataclass(frozen=True, slots=True)
class MessageSent:
    """Slack took the message."""

    message: OutgoingMessage
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class SendMessageFailed:
    """Slack did not take the message, or could not be asked to."""

    message: OutgoingMessage
    error: str


@dataclass(frozen=True, slots=True)
class RichMessageSent:
    """Slack took the rich message."""

    fields: JsonObject
    """The input, unchanged."""
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class SendRichMessageFailed:
    """Slack did not take the rich message, or could not be asked to."""

    fields: JsonObject
    """The input, without a `token`."""
    error: str


@dataclass(frozen=True, slots=True)
class BroadcastSent:
    """Slack took the message in every channel."""

    message: str
    channel_ids: tuple[ChannelId, ...]
    in_doubt: bool = False
    """In one channel at least the message was sent again without knowing whether it was there already."""


@dataclass(frozen=True, slots=True)
class ChannelFailure:
    """One channel that a broadcast did not reach, and why."""

    channel_id: ChannelId
    error: str


@dataclass(frozen=True, slots=True)
class BroadcastFailed:
    """At least one channel did not get the message."""

    message: str
    error: str
    channel_ids: tuple[ChannelId, ...] = ()
    """The channels that did get it."""
    failures: tuple[ChannelFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelJoined:
    """The bot is a member of the channel, and the pack listens to it."""

    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class JoinChannelFailed:
    """Slack did not let the bot in."""

    channel_id: ChannelId
    error: str


@dataclass(frozen=True, slots=True)
class ChannelLeft:
    """The bot is not a member of the channel, and the pack does not listen to it."""

    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class LeaveChannelFailed:
    """Slack kept the bot in; the channel stays joined."""

    channel_id: ChannelId
    error: str


@dataclass(frozen=True, slots=True)
class Fatal:
    """The action could not be carried out at all: bad input, an unknown command, a bug in the pack."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """Somebody said something in a channel that the pack listens to."""

    said: IncomingMessage
    user: User


Outcome: TypeAlias = (
    MessageSent
    | SendMessageFailed
    | RichMessageSent
    | SendRichMessageFailed
    | BroadcastSent
    | BroadcastFailed
    | ChannelJoined
    | JoinChannelFailed
    | ChannelLeft
    | LeaveChannelFailed
    | Fatal
)
"""How an action can end."""

Event: TypeAlias = Outcome | ReceivedMessage


def event_name(event: Event) -> str:
    """The event as flows name it."""
    return "FATAL" if isinstance(event, Fatal) else type(event).__name__
