"""The `conversations.*` methods of the simulated Slack's Web API that create channels and change their settings."""

import re
from typing import Final

from entrypoints.simulation.slack.models import Channel, JsonObject, parse_ts
from entrypoints.simulation.slack.web_api.api import Method, MethodCall, SlackError, fail_if
from entrypoints.simulation.slack.web_api.conversations import MANAGE_SCOPES

MAX_NAME: Final = 80
MAX_TOPIC: Final = 250
TOPIC_SCOPES: Final = (*MANAGE_SCOPES, "channels:write.topic", "groups:write.topic", "im:write", "mpim:write")
MARK_SCOPES: Final = (*MANAGE_SCOPES, "im:write", "mpim:write")


def create(call: MethodCall) -> JsonObject:
    """`conversations.create`: creates a channel with the bot in it."""
    is_private = call.flag("is_private")
    call.require_scope("groups:write" if is_private else "channels:manage")
    channel = call.workspace.create_channel(_new_name(call), call.bot, is_private=is_private)
    return {"channel": channel.as_json(call.bot.user_id)}


def rename(call: MethodCall) -> JsonObject:
    """`conversations.rename`: renames a channel that the bot created."""
    channel = _changeable_channel(call)
    fail_if(channel.creator != call.bot.user_id, "not_authorized")
    call.workspace.rename(channel, _new_name(call))
    return {"channel": channel.as_json(call.bot.user_id)}


def set_topic(call: MethodCall) -> JsonObject:
    """`conversations.setTopic`: changes the topic."""
    return _set_text(call, "topic")


def set_purpose(call: MethodCall) -> JsonObject:
    """`conversations.setPurpose`: changes the description."""
    return _set_text(call, "purpose")


def unarchive(call: MethodCall) -> JsonObject:
    """`conversations.unarchive`: restores an archived channel that the bot is in."""
    channel = call.channel()
    fail_if(channel.is_direct, "method_not_supported_for_channel_type")
    fail_if(not channel.is_archived, "not_archived")
    fail_if(call.bot.user_id not in channel.members, "not_in_channel")
    call.workspace.set_archived(channel, call.bot, archived=False)
    return {}


def mark(call: MethodCall) -> JsonObject:
    """`conversations.mark`: moves the bot's read cursor."""
    channel = call.channel()
    fail_if(call.bot.user_id not in channel.members, "not_in_channel")
    try:
        parse_ts(call.text("ts"))
    except ValueError:
        raise SlackError("invalid_timestamp") from None
    channel.last_read = call.text("ts")
    return {}


METHODS: Final = {
    "conversations.create": Method(create, 2, MANAGE_SCOPES),
    "conversations.rename": Method(rename, 2, MANAGE_SCOPES),
    "conversations.setTopic": Method(set_topic, 2, TOPIC_SCOPES),
    "conversations.setPurpose": Method(set_purpose, 2, TOPIC_SCOPES),
    "conversations.unarchive": Method(unarchive, 2, MANAGE_SCOPES),
    "conversations.mark": Method(mark, 3, MARK_SCOPES),
}


def _new_name(call: MethodCall) -> str:
    """Returns the argument `name` if a channel may have it."""
    name = call.text("name")
    fail_if(not name, "invalid_name_required")
    fail_if(len(name) > MAX_NAME, "invalid_name_maxlength")
    fail_if(not re.fullmatch(r"[\w-]+", name) or name != name.lower(), "invalid_name_specials")
    fail_if(not re.search(r"[^\W_]", name), "invalid_name_punctuation")
    fail_if(call.workspace.find_channel(name), "name_taken")
    return name


def _changeable_channel(call: MethodCall) -> Channel:
    channel = call.channel()
    fail_if(channel.is_direct, "method_not_supported_for_channel_type")
    fail_if(call.bot.user_id not in channel.members, "not_in_channel")
    fail_if(channel.is_archived, "is_archived")
    return channel


def _set_text(call: MethodCall, name: str) -> JsonObject:
    channel = _changeable_channel(call)
    text = call.text(name)
    fail_if(len(text) > MAX_TOPIC, "too_long")
    call.workspace.set_text(channel, call.bot, name, text)
    return {name: text, "channel": channel.as_json(call.bot.user_id)}
