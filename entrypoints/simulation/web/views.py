"""JSON views of the chat: people, conversations and messages."""

from collections.abc import Sequence

from entrypoints.simulation.slack.app_use.elements import with_ids
from entrypoints.simulation.slack.models import Channel, JsonObject
from entrypoints.simulation.slack.web_api.views import Modal
from entrypoints.simulation.slack.workspace import WorkspaceState
from entrypoints.simulation.web.trace.trace import MAX_TEXT_LENGTH, MessageKey
from entrypoints.simulation.workspaces.message_text import visible_text


def people_view(workspace: WorkspaceState) -> object:
    """Returns everyone in the workspace, including the bot."""
    return [
        {
            "id": user.user_id,
            "handle": user.name,
            "name": user.display_name or user.real_name or user.name,
            "is_bot": user is workspace.bot,
        }
        for user in workspace.users.values()
        if user is not workspace.owner
    ]


def conversations_view(workspace: WorkspaceState) -> object:
    """Returns all channels and direct messages with their members."""
    return [_conversation_view(channel) for channel in workspace.channels.values()]


def message_view(workspace: WorkspaceState, key: MessageKey) -> object | None:
    """Returns a message as people see it; None if it does not exist (any more)."""
    ephemeral = workspace.ephemerals.get(key[1])
    if ephemeral is not None and ephemeral.channel_id == key[0]:
        return _message_view(workspace, ephemeral.fields) | {"only_for": ephemeral.user_id}
    channel = workspace.channels.get(key[0])
    message = channel.messages.get(key[1]) if channel else None
    return _message_view(workspace, message.as_json(with_metadata=False)) if message else None


def display_name(workspace: WorkspaceState, user_id: str) -> str:
    """Returns the name under which a user is shown; empty for an unknown one."""
    user = workspace.users.get(user_id)
    return user.display_name or user.name if user else ""


def modal_view(modals: Sequence[Modal]) -> object | None:
    """Returns the modal on top of a user's; None if there is none."""
    if not modals:
        return None
    top = modals[-1]
    shown = {**top.view, "blocks": with_ids(top.view.get("blocks"))}
    return {"depth": len(modals), "view": shown, "errors": dict(top.errors), "failure": top.failure}


def home_view(view: JsonObject | None) -> object | None:
    """Returns what the app shows on a user's Home tab; None if it has published nothing."""
    return None if view is None else {**view, "blocks": with_ids(view.get("blocks"))}


def message_key(event: JsonObject) -> MessageKey | None:
    """Returns the message that a Slack event is about; None if it is about none."""
    match event.get("type"), event.get("subtype"):
        case "message", "message_changed":
            return event["channel"], event["message"]["ts"]
        case "message", "message_deleted":
            return event["channel"], event["deleted_ts"]
        case "message", _:
            return event["channel"], event["ts"]
        case "reaction_added" | "reaction_removed", _ if event["item"]["type"] == "message":
            return event["item"]["channel"], event["item"]["ts"]
        case _:
            return None


def feed_key(kind: str, key: MessageKey) -> str:
    """Returns the feed's key of a message (kind `message`) or of its trace (kind `trace`)."""
    return "/".join((kind, *key))


def _conversation_view(channel: Channel) -> object:
    return {
        "id": channel.channel_id,
        "name": channel.name,
        "kind": channel.channel_type,
        "is_archived": channel.is_archived,
        "is_general": channel.is_general,
        "members": sorted(channel.members),
    }


def _message_view(workspace: WorkspaceState, fields: JsonObject) -> JsonObject:
    text, user_id = visible_text(fields), str(fields.get("user", ""))
    is_bot = bool(fields.get("bot_id"))
    return {
        "user": user_id,
        "name": fields.get("username") or display_name(workspace, user_id),
        "is_bot": is_bot,
        "is_notice": str(fields.get("subtype", "")).startswith(("channel_", "group_")),
        "text": _shorten(text),
        "body": _shorten(str(fields.get("text") or "")),
        "blocks": with_ids(fields.get("blocks")) if is_bot else [],
        "attachments": [_attachment_view(one) for one in fields.get("attachments") or ()],
        "files": [_file_view(file) for file in fields.get("files") or ()],
        "thread": fields["thread_ts"] if fields.get("thread_ts") not in (None, fields["ts"]) else "",
        "is_edited": "edited" in fields,
        "edited_at": str(fields.get("edited", {}).get("ts", "")),
        "reactions": [
            {"name": reaction["name"], "users": list(reaction["users"])} for reaction in fields.get("reactions", ())
        ],
    }


def _attachment_view(attachment: JsonObject) -> object:
    """Returns an attachment with the texts and blocks that the page shows of it."""
    names = ("color", "pretext", "author_name", "title", "title_link", "text", "footer", "fallback")
    texts = {name: _shorten(str(attachment.get(name) or "")) for name in names}
    fields = [field for field in attachment.get("fields") or () if isinstance(field, dict)]
    shown = [{name: _shorten(str(field.get(name) or "")) for name in ("title", "value")} for field in fields]
    image = str(attachment.get("image_url") or attachment.get("thumb_url") or "")
    return {**texts, "fields": shown, "image": image, "blocks": with_ids(attachment.get("blocks"))}


def _file_view(file: JsonObject) -> object:
    known = {name: file.get(name, "") for name in ("id", "title", "name", "mimetype")}
    return {**known, "size": file.get("size", 0)}


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_TEXT_LENGTH else f"{text[:MAX_TEXT_LENGTH]}…"
