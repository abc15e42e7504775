"""The events of the simulated Slack, as its apps receive them."""

import uuid
from typing import Final

from entrypoints.simulation.slack.models import Channel, JsonObject, Message, User

CONVERSATION_NAMES: Final = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}
"""The `channel_type` of an event, and its name in scopes and subscriptions."""

NOT_IN_EVENTS_API: Final = ("channel_joined", "group_joined")
MENTION_OMITS: Final = ("channel_type", "metadata", "subtype", "parent_user_id")
MENTION_SUBTYPES: Final = (None, "thread_broadcast", "file_share", "bot_message")


def subscription_name(event: JsonObject, channel: Channel) -> str | None:
    """Returns the name under which apps subscribe to an event, None when the Events API does not have it."""
    if event["type"] == "message":
        return f"message.{CONVERSATION_NAMES[channel.channel_type]}"
    return None if event["type"] in NOT_IN_EVENTS_API else event["type"]


def message_event(channel: Channel, message: Message, team_id: str) -> JsonObject:
    """The event for a new message."""
    metadata = {} if message.metadata is None else {"metadata": message.metadata}
    place = {"channel": channel.channel_id, "channel_type": channel.channel_type, "event_ts": message.ts}
    return {"team": team_id, **message.fields, **metadata, **place}


def mention_event(event: JsonObject) -> JsonObject:
    """The `app_mention` that accompanies a message event."""
    return {key: value for key, value in event.items() if key not in MENTION_OMITS} | {"type": "app_mention"}


def mentions_bot(event: JsonObject, bot: User) -> bool:
    """Returns whether a message raises an `app_mention`: it names the bot, in a channel, and is not its own."""
    if event["channel_type"] == "im" or event.get("user") == bot.user_id:
        return False
    return event.get("subtype") in MENTION_SUBTYPES and f"<@{bot.user_id}>" in (event.get("text") or "")


def change_event(channel: Channel, subtype: str, ts: str, **more: object) -> JsonObject:
    """The event for an edited or deleted message."""
    place = {"channel": channel.channel_id, "channel_type": channel.channel_type}
    return {"type": "message", "subtype": subtype, "hidden": True, **more, **place, "ts": ts, "event_ts": ts}


def membership_event(name: str, channel: Channel, user: User, team_id: str) -> JsonObject:
    """The event for a user who joined or left."""
    kind = "G" if channel.is_private else "C"
    return {"type": name, "user": user.user_id, "channel": channel.channel_id, "channel_type": kind, "team": team_id}


def reaction_event(kind: str, channel: Channel, message: Message, user: User, reaction: str) -> JsonObject:
    """The event for a new or removed reaction: `reaction_added` or `reaction_removed`."""
    item = {"type": "message", "channel": channel.channel_id, "ts": message.ts}
    author = {"item_user": message.fields["user"]} if "user" in message.fields else {}
    return {"type": kind, "user": user.user_id, "reaction": reaction, "item": item, **author}


def home_event(channel: Channel, user: User, view: JsonObject | None) -> JsonObject:
    """The event for a user who opened the app's Home tab."""
    shown = {} if view is None else {"view": view}
    return {"type": "app_home_opened", "user": user.user_id, "channel": channel.channel_id, "tab": "home", **shown}


def pin_event(kind: str, channel: Channel, message: Message, user: User) -> JsonObject:
    """The event for a new or removed pin: `pin_added` or `pin_removed`."""
    place = {"type": "message", "channel": channel.channel_id}
    item = {**place, "message": message.as_json(with_metadata=False)}
    return {"type": kind, "user": user.user_id, "channel_id": channel.channel_id, "item": item}


def to_rtm(event: JsonObject) -> JsonObject:
    """The event as RTM sends it: messages without the fields that only the Events API has."""
    if event.get("type") != "message":
        return event
    return {key: value for key, value in event.items() if key not in ("channel_type", "team")}


def new_event_id() -> str:
    """Returns a unique event id."""
    return f"Ev{uuid.uuid4().hex[:10].upper()}"


def event_callback(
    event: JsonObject, event_id: str, event_time: int, *, team_id: str, app_id: str, bot_user_id: str
) -> JsonObject:
    """The body in which the Events API delivers an event, through a socket or by HTTP."""
    authorization = {"enterprise_id": None, "team_id": team_id, "user_id": bot_user_id, "is_bot": True}
    return {
        "token": "simulation",
        "team_id": team_id,
        "context_team_id": team_id,
        "api_app_id": app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": event_time,
        "authorizations": [authorization | {"is_enterprise_install": False}],
        "is_ext_shared_channel": False,
    }
