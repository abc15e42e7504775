"""The `chat.*` and `reactions.*` methods of the simulated Slack's Web API."""

import re
from typing import Final

from entrypoints.simulation.slack.event_log import EphemeralPost, Post
from entrypoints.simulation.slack.models import Channel, JsonObject, Message
from entrypoints.simulation.slack.web_api.api import Method, MethodCall, SlackError, fail_if
from entrypoints.simulation.slack.web_api.content import read_content, read_thread

CUSTOM_AUTHOR: Final = ("username", "icon_url", "icon_emoji")


def post_message(call: MethodCall) -> JsonObject:
    """`chat.postMessage`: posts as the bot."""
    channel = _target(call)
    fields, metadata = read_content(call)
    thread_ts = read_thread(call, channel)
    message = call.workspace.post(
        channel, _author(call) | fields, thread_ts=thread_ts, broadcast=call.flag("reply_broadcast"), metadata=metadata
    )
    call.log.publish(Post(channel.channel_id, fields["text"], message.ts, thread_ts, call.arguments))
    return {"channel": channel.channel_id, "ts": message.ts, "message": message.as_json(with_metadata=True)}


def post_ephemeral(call: MethodCall) -> JsonObject:
    """`chat.postEphemeral`: shows a message to one member, and does not keep it."""
    channel = _target(call)
    fail_if(call.text("user") not in channel.members, "user_not_in_channel")
    fields, _ = read_content(call)
    ts = call.workspace.next_ts()
    call.log.publish(EphemeralPost(channel.channel_id, call.text("user"), ts, fields["text"]))
    return {"message_ts": ts}


def update(call: MethodCall) -> JsonObject:
    """`chat.update`: changes a message of the bot."""
    channel = call.channel()
    message = _own_message(call, channel, "cant_update_message")
    fields, metadata = read_content(call)
    if metadata is not None:
        message.metadata = metadata
    call.workspace.edit(channel, message, fields, call.bot.user_id)
    changed = message.as_json(with_metadata=True)
    return {"channel": channel.channel_id, "ts": message.ts, "text": fields["text"], "message": changed}


def delete(call: MethodCall) -> JsonObject:
    """`chat.delete`: deletes a message of the bot."""
    channel = call.channel()
    message = _own_message(call, channel, "cant_delete_message")
    call.workspace.delete(channel, message)
    return {"channel": channel.channel_id, "ts": message.ts}


def add_reaction(call: MethodCall) -> JsonObject:
    """`reactions.add`: adds a reaction to a message."""
    fail_if(not call.text("timestamp"), "no_item_specified")
    channel = call.channel()
    name = call.text("name").strip(":")
    fail_if(not re.fullmatch(r"[a-z0-9_+'-]+", name), "invalid_name")
    message = channel.messages.get(call.text("timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    fail_if(not call.workspace.react(channel, message, call.bot, name), "already_reacted")
    return {}


METHODS: Final = {
    "chat.postMessage": Method(post_message, None, ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, 4, ("chat:write",)),
    "chat.update": Method(update, 3, ("chat:write",)),
    "chat.delete": Method(delete, 3, ("chat:write",)),
    "reactions.add": Method(add_reaction, 3, ("reactions:write",)),
}


def _target(call: MethodCall) -> Channel:
    """Returns the conversation to post to, given by its id or name, or by a user's id."""
    name = call.text("channel")
    if name in call.workspace.users:
        return call.workspace.open_direct([call.bot.user_id, name])
    channel = call.workspace.find_channel(name)
    is_member = channel is not None and call.bot.user_id in channel.members
    if channel is None or (channel.is_private and not is_member):
        raise SlackError("channel_not_found")
    fail_if(channel.is_archived, "is_archived")
    fail_if(not is_member and "chat:write.public" not in call.access.scopes, "not_in_channel")
    return channel


def _author(call: MethodCall) -> JsonObject:
    bot = call.bot
    team_id, app_id = call.workspace.team_id, call.workspace.app_id
    profile = {"id": bot.bot_id, "app_id": app_id, "name": bot.real_name, "deleted": False, "team_id": team_id}
    author: JsonObject = {"user": bot.user_id, "bot_id": bot.bot_id, "app_id": app_id, "team": team_id}
    custom = {name: call.arguments[name] for name in CUSTOM_AUTHOR if call.arguments.get(name)}
    if custom:
        call.require_scope("chat:write.customize")
        # A message with a custom name has no user, only a bot.
        del author["user"]
        author |= {"subtype": "bot_message"} | ({"username": custom["username"]} if "username" in custom else {})
    return author | {"bot_profile": profile}


def _own_message(call: MethodCall, channel: Channel, refusal: str) -> Message:
    message = channel.messages.get(call.text("ts"))
    if message is None:
        raise SlackError("message_not_found")
    fail_if(message.fields.get("bot_id") != call.bot.bot_id, refusal)
    return message
