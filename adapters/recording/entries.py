"""What a record holds: everything that came from Slack and Flyte and went to them, with its time."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from domain.json_values import Json, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """To Flyte: the pack made itself known, after its start or again."""

    at: datetime
    pack: str
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """Slack told who the pack is."""

    at: datetime
    user_id: str
    bot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """From Slack: somebody said something."""

    at: datetime
    channel_id: str
    timestamp: str
    text: str
    user_id: str
    bot_id: str
    thread_timestamp: str
    is_direct: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """From Slack: the bot was let into a channel, or is no member any more."""

    at: datetime
    channel_id: str
    is_member: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """From Slack: who somebody is."""

    at: datetime
    user_id: str
    name: str
    title: str
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """To Flyte: an event of the pack's own accord. Here and below, `error` is empty when all went well."""

    at: datetime
    event: str
    payload: Json
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """From Flyte: an action. The input is null where it could not be read."""

    at: datetime
    action: str
    command: str
    input: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """To Flyte: how an action ended."""

    at: datetime
    action: str
    event: str
    payload: Json
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """To Slack: a message; `timestamp` is empty when Slack did not take it."""

    at: datetime
    channel_id: str
    fields: JsonObject
    timestamp: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """To Slack: to join a channel."""

    at: datetime
    channel_id: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """To Slack: to leave a channel."""

    at: datetime
    channel_id: str
    error: str


Entry: TypeAlias = (
    Registered | Identified | Heard | Membership | Person | Published | Taken | Answered | Posted | Joined | Left
)
