"""JSON views of the chat: people, conversations and messages."""

from entrypoints.simulation.slack.models import Channel, JsonObject, Message
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
    channel = workspace.channels.get(key[0])
    message = channel.messages.get(key[1]) if channel else None
    return _message_view(workspace, message) if message else None


def message_key(event: JsonObject) -> MessageKey | None:
    """Returns the message that a Slack event is about; None if it is about none."""
    match event.get("type"), event.get("subtype"):
        case "message", "message_changed":
            return event["channel"], event["message"]["ts"]
        case "message", "message_deleted":
            return event["channel"], event["deleted_ts"]
        case "message", _:
            return event["channel"], event["ts"]
        case "reaction_added" | "reaction_removed", _:
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


def _message_view(workspace: WorkspaceState, message: Message) -> object:
    fields = message.fields
    user = workspace.users.get(str(fields.get("user")))
    text = visible_text(fields)
    return {
        "user": fields.get("user", ""),
        "name": fields.get("username") or (user.display_name or user.name if user else ""),
        "is_bot": bool(fields.get("bot_id")),
        "is_notice": str(fields.get("subtype", "")).startswith(("channel_", "group_")),
        "text": text if len(text) <= MAX_TEXT_LENGTH else f"{text[:MAX_TEXT_LENGTH]}…",
        "thread": fields["thread_ts"] if message.is_reply else "",
        "is_edited": "edited" in fields,
        "reactions": [
            {"name": reaction["name"], "users": list(reaction["users"])} for reaction in fields.get("reactions", ())
        ],
    }
