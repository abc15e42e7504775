"""Parses Slack's events for edited and deleted messages."""

from adapters.slack.values import json_object, required_text, text
from domain.channels import ChannelId
from domain.interactions import MessageChange
from domain.json_values import JsonObject
from domain.users import Identity

_TOMBSTONE = "tombstone"
"""The subtype of what Slack leaves in place of a deleted message that has replies."""


def parse_change(event: JsonObject, own: Identity) -> MessageChange | None:
    """Returns what a person or another app changed; None for the pack's own messages, unfurls and other events.

    Raises ValueError if the channel or the message's timestamp is missing.
    """
    new, old = json_object(event.get("message")), json_object(event.get("previous_message"))
    match event.get("subtype"):
        case "message_deleted":
            change = _change(event, own, {}, {"ts": event.get("deleted_ts")} | old)
        case "message_changed" if new.get("subtype") == _TOMBSTONE:
            change = _change(event, own, {}, {"ts": new.get("ts"), "thread_ts": new.get("thread_ts")} | old)
        case "message_changed" if _is_edit(new, old):
            change = _change(event, own, new, old)
        case _:
            return None
    is_own = change.user_id == own.user_id or (bool(change.bot_id) and change.bot_id == own.bot_id)
    return None if is_own else change


def _is_edit(new: JsonObject, old: JsonObject) -> bool:
    """Returns whether the text was edited. Unfurls, for example, report a change of attachments."""
    return bool(json_object(new.get("edited"))) and (not old or text(new.get("text")) != text(old.get("text")))


def _change(event: JsonObject, own: Identity, new: JsonObject, old: JsonObject) -> MessageChange:
    message = new or old
    edited = json_object(new.get("edited"))
    bot_id = text(message.get("bot_id"))
    # Slack names a bot as the editor of its messages: that is no user.
    editor_id = "" if bot_id else text(edited.get("user"))
    return MessageChange(
        channel_id=ChannelId(required_text(event, "channel")),
        user_id=text(message.get("user")) or editor_id,
        team_id=text(event.get("team")) or text(message.get("team")) or own.team_id,
        is_deleted=not new,
        timestamp=required_text(message, "ts"),
        thread_timestamp=text(message.get("thread_ts")),
        message=text(new.get("text")),
        previous_message=text(old.get("text")),
        edited_timestamp=text(edited.get("ts")),
        event_timestamp=text(event.get("event_ts")) or text(event.get("ts")),
        bot_id=bot_id,
    )
