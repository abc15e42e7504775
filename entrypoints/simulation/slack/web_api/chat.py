"""The `chat.*` methods of the simulated Slack's Web API."""

from typing import Final

from entrypoints.simulation.slack.event_log import EphemeralPost, Post, SlackLog
from entrypoints.simulation.slack.models import Channel, JsonObject, Message
from entrypoints.simulation.slack.web_api.api import Method, MethodCall, SlackError, fail_if
from entrypoints.simulation.slack.web_api.content import MAX_TEXT, read_changes, read_content, read_thread
from entrypoints.simulation.slack.workspace import WorkspaceState

CUSTOM_AUTHOR: Final = ("username", "icon_url", "icon_emoji")


def post_message(call: MethodCall) -> JsonObject:
    """`chat.postMessage`: posts as the bot."""
    channel = target(call)
    fields, metadata = read_content(call)
    thread_ts = read_thread(call, channel)
    message = post(
        call.workspace,
        call.log,
        channel,
        author(call) | fields,
        call.arguments,
        thread_ts,
        broadcast=call.flag("reply_broadcast"),
        metadata=metadata,
    )
    return {"channel": channel.channel_id, "ts": message.ts, "message": message.as_json(with_metadata=True)}


def post_ephemeral(call: MethodCall) -> JsonObject:
    """`chat.postEphemeral`: shows a message to one member, and does not keep it."""
    channel = target(call)
    fail_if(call.text("user") not in channel.members, "user_not_in_channel")
    fields, _ = read_content(call)
    thread_ts = read_thread(call, channel)
    return {"message_ts": show(call, channel, call.text("user"), fields, thread_ts)}


def update(call: MethodCall) -> JsonObject:
    """`chat.update`: changes a message of the bot."""
    channel = call.channel()
    message = _own_message(call, channel, "cant_update_message")
    fields, metadata = read_changes(call)
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


def me_message(call: MethodCall) -> JsonObject:
    """`chat.meMessage`: posts what the bot does, without blocks."""
    channel = target(call)
    text = call.text("text")
    fail_if(not text, "no_text")
    fields = {"subtype": "me_message", "user": call.bot.user_id, "bot_id": call.bot.bot_id, "text": text[:MAX_TEXT]}
    message = post(call.workspace, call.log, channel, fields, call.arguments)
    return {"channel": channel.channel_id, "ts": message.ts}


def get_permalink(call: MethodCall) -> JsonObject:
    """`chat.getPermalink`: the address of a message."""
    channel = call.channel()
    message = channel.messages.get(call.text("message_ts"))
    if message is None:
        raise SlackError("message_not_found")
    return {"channel": channel.channel_id, "permalink": call.workspace.permalink(channel, message)}


def show(call: MethodCall, channel: Channel, user_id: str, fields: JsonObject, thread_ts: str | None = None) -> str:
    """Shows a message of the bot to one user; returns its `ts`."""
    ts = call.workspace.show(channel, user_id, fields, thread_ts).ts
    call.log.publish(EphemeralPost(channel.channel_id, user_id, ts, fields["text"], thread_ts, fields))
    return ts


def post(
    workspace: WorkspaceState,
    log: SlackLog,
    channel: Channel,
    fields: JsonObject,
    arguments: JsonObject,
    thread_ts: str | None = None,
    *,
    broadcast: bool = False,
    metadata: JsonObject | None = None,
) -> Message:
    """Posts a message of the bot, which a call with these arguments is about, and logs it."""
    message = workspace.post(channel, fields, thread_ts=thread_ts, broadcast=broadcast, metadata=metadata)
    log.publish(Post(channel.channel_id, fields["text"], message.ts, thread_ts, arguments))
    return message


METHODS: Final = {
    "chat.postMessage": Method(post_message, None, ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, 4, ("chat:write",)),
    "chat.update": Method(update, 3, ("chat:write",)),
    "chat.delete": Method(delete, 3, ("chat:write",)),
    "chat.meMessage": Method(me_message, 3, ("chat:write",)),
    "chat.getPermalink": Method(get_permalink),
}


def target(call: MethodCall, name: str = "") -> Channel:
    """Returns the conversation to post to, by default the argument `channel`: an id, a name, or a user's id.

    Raises SlackError.
    """
    name = name or call.text("channel")
    if name in call.workspace.users:
        return call.workspace.open_direct([call.bot.user_id, name])
    channel = call.workspace.find_channel(name)
    is_member = channel is not None and call.bot.user_id in channel.members
    if channel is None or (channel.is_private and not is_member):
        raise SlackError("channel_not_found")
    fail_if(channel.is_archived, "is_archived")
    fail_if(not is_member and "chat:write.public" not in call.access.scopes, "not_in_channel")
    return channel


def author(call: MethodCall) -> JsonObject:
    """Returns the fields that name the bot as the author, under the name that the call gives. Raises SlackError."""
    bot = call.bot
    team_id, app_id = call.workspace.team_id, call.workspace.app_id
    profile = {"id": bot.bot_id, "app_id": app_id, "name": bot.real_name, "deleted": False, "team_id": team_id}
    fields: JsonObject = {"user": bot.user_id, "bot_id": bot.bot_id, "app_id": app_id, "team": team_id}
    custom = {name: call.arguments[name] for name in CUSTOM_AUTHOR if call.arguments.get(name)}
    if custom:
        call.require_scope("chat:write.customize")
        # A message with a custom name has no user, only a bot.
        del fields["user"]
        fields |= {"subtype": "bot_message"} | ({"username": custom["username"]} if "username" in custom else {})
    return fields | {"bot_profile": profile}


def _own_message(call: MethodCall, channel: Channel, refusal: str) -> Message:
    message = channel.messages.get(call.text("ts"))
    if message is None:
        raise SlackError("message_not_found")
    fail_if(message.fields.get("bot_id") != call.bot.bot_id, refusal)
    return message
