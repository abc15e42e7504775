"""The `chat.*` and `reactions.*` methods of the simulated Slack's Web API."""

import re
from typing import Any, Final

from entrypoints.simulation.slack.event_log import EphemeralPost, Post
from entrypoints.simulation.slack.models import Channel, JsonObject, Message
from entrypoints.simulation.slack.web_api.api import Method, MethodCall, SlackError, fail_if

MAX_TEXT: Final = 40_000
"""Slack truncates longer texts without an error."""
MAX_MARKDOWN: Final = 12_000
MAX_ATTACHMENTS: Final = 100
MAX_BLOCKS: Final = 50
MAX_BLOCK_TEXT: Final = 13_200
MAX_METADATA: Final = 8_000
"""An assumption: Slack has a limit but does not document it."""

CUSTOM_AUTHOR: Final = ("username", "icon_url", "icon_emoji")
EVENT_TYPE: Final = re.compile(r"[A-Za-z0-9_-]+")
THREAD_TS: Final = re.compile(r"\d{9,11}\.\d{1,6}")
SYSTEM_SUBTYPE: Final = re.compile(r"(channel|group)_\w+")
"""The subtypes of Slack's own notices in a channel, which have no threads."""


def post_message(call: MethodCall) -> JsonObject:
    """`chat.postMessage`: posts as the bot."""
    channel = _target(call)
    fields, metadata = _content(call)
    thread_ts = _thread(call, channel)
    message = call.workspace.post(
        channel, _author(call) | fields, thread_ts=thread_ts, broadcast=call.flag("reply_broadcast"), metadata=metadata
    )
    call.log.publish(Post(channel.channel_id, fields["text"], message.ts, thread_ts, call.arguments))
    return {"channel": channel.channel_id, "ts": message.ts, "message": message.as_json(with_metadata=True)}


def post_ephemeral(call: MethodCall) -> JsonObject:
    """`chat.postEphemeral`: shows a message to one member, and does not keep it."""
    channel = _target(call)
    fail_if(call.text("user") not in channel.members, "user_not_in_channel")
    fields, _ = _content(call)
    ts = call.workspace.next_ts()
    call.log.publish(EphemeralPost(channel.channel_id, call.text("user"), ts, fields["text"]))
    return {"message_ts": ts}


def update(call: MethodCall) -> JsonObject:
    """`chat.update`: changes a message of the bot."""
    channel = call.channel()
    message = _own_message(call, channel, "cant_update_message")
    fields, metadata = _content(call)
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


def _content(call: MethodCall) -> tuple[JsonObject, JsonObject | None]:
    """Returns the validated fields and metadata of a message."""
    markdown, text = call.text("markdown_text"), call.text("text")
    blocks, attachments = _blocks(call), _attachments(call)
    fail_if(markdown and (text or blocks), "markdown_text_conflict")
    fail_if(len(markdown) > MAX_MARKDOWN, "msg_too_long")
    fail_if(not (text or markdown or blocks or attachments), "no_text")
    fields: JsonObject = {"text": (text or markdown)[:MAX_TEXT]}
    fields |= {"blocks": blocks} if blocks else {}
    fields |= {"attachments": attachments} if attachments else {}
    return fields, _metadata(call)


def _blocks(call: MethodCall) -> list[Any]:
    blocks = _list(call, "blocks", "invalid_blocks_format")
    well_formed = all(isinstance(block, dict) and isinstance(block.get("type"), str) for block in blocks)
    fail_if(not well_formed or len(blocks) > MAX_BLOCKS, "invalid_blocks")
    fail_if(sum(map(_text_length, blocks)) > MAX_BLOCK_TEXT, "msg_blocks_too_long")
    return blocks


def _text_length(value: Any) -> int:
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_text_length(inner) for inner in value.values())
    return sum(map(_text_length, value)) if isinstance(value, list) else 0


def _attachments(call: MethodCall) -> list[Any]:
    attachments = _list(call, "attachments", "invalid_attachments")
    fail_if(not all(isinstance(one, dict) for one in attachments), "invalid_attachments")
    fail_if(len(attachments) > MAX_ATTACHMENTS, "too_many_attachments")
    return attachments


def _list(call: MethodCall, name: str, code: str) -> list[Any]:
    value = call.json_value(name, code)
    if value is None:
        return []
    if not isinstance(value, list):
        raise SlackError(code)
    return value


def _metadata(call: MethodCall) -> JsonObject | None:
    metadata = call.json_value("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    event_type = metadata.get("event_type")
    if not isinstance(event_type, str) or not EVENT_TYPE.fullmatch(event_type):
        raise SlackError("invalid_metadata_schema")
    fail_if(len(str(metadata)) > MAX_METADATA, "metadata_too_large")
    return {"event_type": event_type, "event_payload": metadata["event_payload"]}


def _thread(call: MethodCall, channel: Channel) -> str | None:
    thread_ts = call.text("thread_ts")
    if not thread_ts:
        return None
    fail_if(not THREAD_TS.fullmatch(thread_ts), "invalid_thread_ts")
    parent = channel.messages.get(thread_ts)
    subtype = parent.fields.get("subtype", "") if parent else ""
    fail_if(SYSTEM_SUBTYPE.fullmatch(subtype), "cannot_reply_to_message")
    return thread_ts


def _own_message(call: MethodCall, channel: Channel, refusal: str) -> Message:
    message = channel.messages.get(call.text("ts"))
    if message is None:
        raise SlackError("message_not_found")
    fail_if(message.fields.get("bot_id") != call.bot.bot_id, refusal)
    return message
