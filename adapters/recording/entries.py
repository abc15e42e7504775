"""The entries of a recording: everything exchanged with Slack and Flyte, with its time."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from domain.json_values import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """To Flyte: the pack registered, after its start or again."""

    at: datetime
    pack: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """From Slack: the pack's own user."""

    at: datetime
    user_id: str
    bot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageReceived:
    """From Slack: a new message."""

    at: datetime
    channel_id: str
    timestamp: str
    text: str
    user_id: str
    bot_id: str
    thread_timestamp: str
    is_direct: bool
    files: tuple[Json, ...] = ()
    """The name, the title and the size of each; not its address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReceived:
    """From Slack: any other activity, such as a reaction or a click."""

    at: datetime
    event: str
    """Its name in Flyte."""
    content: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipChanged:
    """From Slack: the bot became a member of a channel, or is no longer one."""

    at: datetime
    channel_id: str
    is_member: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLookedUp:
    """From Slack: a user's profile."""

    at: datetime
    user_id: str
    name: str
    title: str
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPublished:
    """To Flyte: an event. Here and below, `error` is empty on success."""

    at: datetime
    event: str
    payload: Json
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTaken:
    """From Flyte: an action. The input is null if it was unreadable."""

    at: datetime
    action: str
    command: str
    input: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCompleted:
    """To Flyte: the outcome of an action."""

    at: datetime
    action: str
    event: str
    payload: Json
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePosted:
    """To Slack: a message; `timestamp` is empty if Slack did not accept it."""

    at: datetime
    channel_id: str
    fields: JsonObject
    timestamp: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequested:
    """To Slack: a request to join a channel."""

    at: datetime
    channel_id: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveRequested:
    """To Slack: a request to leave a channel."""

    at: datetime
    channel_id: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequested:
    """To Slack: any other request that changes something, by the port's name for it. Capabilities are hidden."""

    at: datetime
    request: str
    fields: JsonObject
    error: str


Entry: TypeAlias = (
    Registered
    | Identified
    | MessageReceived
    | EventReceived
    | MembershipChanged
    | UserLookedUp
    | EventPublished
    | ActionTaken
    | ActionCompleted
    | MessagePosted
    | JoinRequested
    | LeaveRequested
    | ChatRequested
)
