"""The events that the pack sends to the workflow engine."""

from dataclasses import dataclass
from typing import TypeAlias

from domain.channels import ChannelId
from domain.interactions import Activity
from domain.json_values import JsonObject
from domain.messages import IncomingMessage, OutgoingMessage, Receipt
from domain.users import NOBODY, User


@dataclass(frozen=True, slots=True)
class MessageSent:
    """The chat service accepted the message."""

    message: OutgoingMessage
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class SendMessageFailed:
    """The message could not be posted."""

    message: OutgoingMessage
    error: str


@dataclass(frozen=True, slots=True)
class RichMessageSent:
    """The chat service accepted the rich message."""

    fields: JsonObject
    """The input, unchanged."""
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class SendRichMessageFailed:
    """The rich message could not be posted."""

    fields: JsonObject
    """The input, without a `token`."""
    error: str


@dataclass(frozen=True, slots=True)
class BroadcastSent:
    """The message was posted in every joined channel."""

    message: str
    channel_ids: tuple[ChannelId, ...]
    in_doubt: bool = False
    """In at least one channel the message was sent again although the first attempt may have succeeded."""


@dataclass(frozen=True, slots=True)
class ChannelFailure:
    """A channel that a broadcast did not reach, and why."""

    channel_id: ChannelId
    error: str


@dataclass(frozen=True, slots=True)
class BroadcastFailed:
    """The message could not be posted in at least one channel."""

    message: str
    error: str
    channel_ids: tuple[ChannelId, ...] = ()
    """The channels in which it was posted."""
    failures: tuple[ChannelFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelJoined:
    """The bot is a member of the channel, and the pack listens to it."""

    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class JoinChannelFailed:
    """The bot could not become a member of the channel."""

    channel_id: ChannelId
    error: str


@dataclass(frozen=True, slots=True)
class ChannelLeft:
    """The bot is not a member of the channel, and the pack does not listen to it."""

    channel_id: ChannelId


@dataclass(frozen=True, slots=True)
class LeaveChannelFailed:
    """The bot could not leave the channel; it stays joined."""

    channel_id: ChannelId
    error: str


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """How a ChatCommand ended, by the name and payload of its event."""

    name: str
    payload: JsonObject


@dataclass(frozen=True, slots=True)
class Fatal:
    """The action could not be executed at all: invalid input, an unknown command, a bug in the pack."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A new message in a channel that the pack listens to."""

    message: IncomingMessage
    user: User
    thread_key: str = ""
    """The key of the message that started the thread, if it has one."""

    @property
    def event(self) -> IncomingMessage:
        """The event as the chat service reported it."""
        return self.message


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """Any other event of the chat service, completed with what the pack has looked up."""

    event: Activity
    user: User
    item_user: User = NOBODY
    """Who wrote the message that a reaction is about."""
    message: str = ""
    """The text that a reaction is about; empty if it can't be read."""
    thread_timestamp: str = ""
    """The timestamp of that message's thread; empty outside threads."""
    message_key: str = ""
    """The key of the message that the event is about, if it has one."""


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
    | CommandOutcome
    | Fatal
)
"""How an action can end."""

PackEvent: TypeAlias = ReceivedMessage | ReceivedEvent
"""Any event that the pack publishes of its own accord."""

Event: TypeAlias = Outcome | PackEvent
