"""The events of the simulated Slack, as its apps get them."""

import time
import uuid
from dataclasses import dataclass
from typing import Final

from entrypoints.simulation.slack.models import Channel, JsonObject, Message, User

CONVERSATION_NAMES: Final = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
"""The `channel_type` of an event, and how scopes and subscriptions call the same."""

MENTION_OMITS: Final = ("channel_type", "metadata", "subtype", "parent_user_id")
MENTION_SUBTYPES: Final = (None, "thread_broadcast", "file_share", "bot_message")


@dataclass(frozen=True, slots=True)
class WorkspaceEvent:
    """Something that Slack may tell an app about.

    `subscription` is the name under which apps subscribe to it, None for what the Events API has not; `in_rtm` says
    whether RTM has it; `reaches_bot` whether the bot is in a position to hear of it at all.
    """

    event: JsonObject
    subscription: str | None
    reaches_bot: bool
    in_rtm: bool = True


def message_subscription(channel: Channel) -> str:
    """Name the subscription to what is said in a conversation of this type."""
    return f"message.{CONVERSATION_NAMES[channel.channel_type]}"


def message_event(channel: Channel, message: Message, team_id: str) -> JsonObject:
    """Write a new message as the event about it."""
    metadata = {} if message.metadata is None else {"metadata": message.metadata}
    place = {"channel": channel.channel_id, "channel_type": channel.channel_type, "event_ts": message.ts}
    return {"team": team_id, **message.fields, **metadata, **place}


def mention_event(event: JsonObject) -> JsonObject:
    """Write the twin of a message that mentions the bot: the same message as `app_mention`."""
    return {key: value for key, value in event.items() if key not in MENTION_OMITS} | {"type": "app_mention"}


def mentions_bot(event: JsonObject, bot: User) -> bool:
    """Say whether a message raises an `app_mention`: it names the bot, in a channel, and is not its own."""
    if event["channel_type"] == "im" or event.get("user") == bot.user_id:
        return False
    return event.get("subtype") in MENTION_SUBTYPES and f"<@{bot.user_id}>" in (event.get("text") or "")


def change_event(channel: Channel, subtype: str, ts: str, **more: object) -> JsonObject:
    """Write an edit or a deletion as the event about it."""
    place = {"channel": channel.channel_id, "channel_type": channel.channel_type}
    return {"type": "message", "subtype": subtype, "hidden": True, **more, **place, "ts": ts, "event_ts": ts}


def membership_event(name: str, channel: Channel, user: User, team_id: str) -> JsonObject:
    """Write somebody's joining or leaving as the event about it."""
    kind = "G" if channel.is_private else "C"
    place = {"channel": channel.channel_id, "channel_type": kind, "team": team_id}
    return {"type": name, "user": user.user_id, **place}


def reaction_event(channel: Channel, message: Message, user: User, reaction: str) -> JsonObject:
    """Write an emoji under a message as the event about it."""
    item = {"type": "message", "channel": channel.channel_id, "ts": message.ts}
    author = {"item_user": message.fields["user"]} if "user" in message.fields else {}
    return {"type": "reaction_added", "user": user.user_id, "reaction": reaction, "item": item, **author}


def to_rtm(event: JsonObject) -> JsonObject:
    """Write an event as RTM has it: messages come without what the Events API adds to them."""
    if event.get("type") != "message":
        return event
    return {key: value for key, value in event.items() if key not in ("channel_type", "team")}


def new_event_id() -> str:
    """Make an event id that no other event has."""
    return f"Ev{uuid.uuid4().hex[:10].upper()}"


def event_callback(event: JsonObject, event_id: str, *, team_id: str, app_id: str, bot_user_id: str) -> JsonObject:
    """Write the body in which the Events API delivers an event, by a socket or by HTTP."""
    authorization = {"enterprise_id": None, "team_id": team_id, "user_id": bot_user_id, "is_bot": True}
    return {
        "token": "simulation",
        "team_id": team_id,
        "context_team_id": team_id,
        "api_app_id": app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(time.time()),
        "authorizations": [authorization | {"is_enterprise_install": False}],
        "is_ext_shared_channel": False,
    }
