"""The `conversations.*` methods of the simulated Slack's Web API, and `users.conversations`."""

from collections.abc import Iterable
from typing import Final

from entrypoints.simulation.slack.models import (
    CHANNEL_TYPES,
    Channel,
    JsonObject,
    Message,
    between,
    format_ts,
    parse_ts,
)
from entrypoints.simulation.slack.web_api.api import (
    Method,
    MethodCall,
    SlackError,
    decode_cursor,
    encode_cursor,
    fail_if,
    paginate,
)

READ_SCOPES: Final = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY_SCOPES: Final = ("channels:history", "groups:history", "im:history", "mpim:history")
MANAGE_SCOPES: Final = ("channels:manage", "groups:write")
NEXT_TIME: Final = "next_ts"


def list_all(call: MethodCall) -> JsonObject:
    """`conversations.list`: public channels, and the other conversations that the bot is in."""
    bot = call.bot.user_id
    return _listing(call, (c for c in call.workspace.channels.values() if not c.is_private or bot in c.members))


def list_joined(call: MethodCall) -> JsonObject:
    """`users.conversations`: the conversations that the bot, or the given user, is in."""
    bot = call.bot.user_id
    member = call.user().user_id if call.text("user") else bot
    channels = (
        c for c in call.workspace.channels.values() if member in c.members and (not c.is_private or bot in c.members)
    )
    return _listing(call, channels)


def info(call: MethodCall) -> JsonObject:
    """`conversations.info`: one conversation."""
    channel = call.channel(suffix="read")
    with_count = call.flag("include_num_members")
    return {"channel": channel.as_json(call.bot.user_id, with_count=with_count)}


def history(call: MethodCall) -> JsonObject:
    """`conversations.history`: the listed messages of a conversation, newest first."""
    channel = _readable(call)
    cursor = call.text("cursor")
    times = _select(call, channel.listed, format_ts(decode_cursor(NEXT_TIME, cursor)) if cursor else "")
    limit = max(1, min(call.number("limit", 100) or 100, call.workspace.history_page_size))
    chosen = times[-limit:]
    has_more = len(times) > len(chosen)
    # The cursor is a time, not a position, so that new messages do not shift the pages.
    following = encode_cursor(NEXT_TIME, parse_ts(chosen[0])) if has_more else {}
    messages = _serialize(call, (channel.messages[ts] for ts in reversed(chosen)))
    return {"messages": messages, "has_more": has_more, "pin_count": 0, **following}


def replies(call: MethodCall) -> JsonObject:
    """`conversations.replies`: a thread, its parent first, then the oldest reply."""
    channel = _readable(call)
    message = channel.messages.get(call.text("ts"))
    if message is None:
        raise SlackError("thread_not_found")
    cut, following = paginate(call, [message.ts, *_select(call, message.replies)], default=1000)
    has_more = bool(following["response_metadata"]["next_cursor"])
    messages = _serialize(call, (channel.messages[ts] for ts in cut if ts in channel.messages))
    return {"messages": messages, "has_more": has_more} | (following if has_more else {})


def members(call: MethodCall) -> JsonObject:
    """`conversations.members`: the members of a conversation."""
    chosen, following = paginate(call, list(call.channel(suffix="read").members), default=100)
    return {"members": chosen, **following}


def join(call: MethodCall) -> JsonObject:
    """`conversations.join`: adds the bot to a public channel."""
    channel = call.workspace.channels.get(call.text("channel"))
    if channel is None:
        raise SlackError("channel_not_found")
    fail_if(channel.channel_type != "channel", "method_not_supported_for_channel_type")
    fail_if(channel.is_archived, "is_archived")
    already = call.bot.user_id in channel.members
    if not already:
        call.workspace.join(channel, call.bot)
    warning = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    return {"channel": channel.as_json(call.bot.user_id)} | (warning if already else {})


def leave(call: MethodCall) -> JsonObject:
    """`conversations.leave`: removes the bot."""
    channel = call.channel()
    bot = call.bot
    fail_if(channel.is_direct, "method_not_supported_for_channel_type")
    fail_if(channel.is_archived, "is_archived")
    if bot.user_id not in channel.members:
        raise SlackError(None, not_in_channel=True)
    fail_if(channel.is_general, "cant_leave_general")
    fail_if(len(channel.members) == 1, "last_member")
    call.workspace.leave(channel, bot)
    return {}


def open_direct(call: MethodCall) -> JsonObject:
    """`conversations.open`: opens a direct message with the given users."""
    if call.text("channel"):
        channel = call.channel()
        return {"channel": channel.as_json(call.bot.user_id)}
    ids = call.strings("users")
    fail_if(not ids, "users_list_not_supplied")
    fail_if(any(user_id not in call.workspace.users for user_id in ids), "user_not_found")
    fail_if(any(call.workspace.users[user_id].bot_id for user_id in ids), "cannot_dm_bot")
    known = len(call.workspace.channels)
    channel = call.workspace.open_direct([call.bot.user_id, *ids])
    already = {"no_op": True, "already_open": True} if len(call.workspace.channels) == known else {}
    body = channel.as_json(call.bot.user_id) if call.flag("return_im") else {"id": channel.channel_id}
    return {"channel": body, **already}


def invite(call: MethodCall) -> JsonObject:
    """`conversations.invite`: adds users to a conversation that the bot is in."""
    channel = _joined_channel(call)
    for user_id in call.strings("users"):
        fail_if(user_id == call.bot.user_id, "cant_invite_self")
        fail_if(user_id not in call.workspace.users, "user_not_found")
        fail_if(user_id in channel.members, "already_in_channel")
        call.workspace.join(channel, call.workspace.users[user_id], inviter=call.bot.user_id)
    return {"channel": channel.as_json(call.bot.user_id)}


def kick(call: MethodCall) -> JsonObject:
    """`conversations.kick`: removes a user from a conversation that the bot is in."""
    channel = _joined_channel(call)
    user = call.user()
    fail_if(user is call.bot, "cant_kick_self")
    fail_if(channel.is_general, "cant_kick_from_general")
    fail_if(user.user_id not in channel.members, "not_in_channel")
    call.workspace.leave(channel, user, actor=call.bot.user_id)
    return {}


def archive(call: MethodCall) -> JsonObject:
    """`conversations.archive`: archives a channel."""
    channel = call.channel()
    fail_if(channel.is_direct, "method_not_supported_for_channel_type")
    fail_if(channel.is_general, "cant_archive_general")
    fail_if(channel.is_archived, "already_archived")
    call.workspace.set_archived(channel, call.bot, archived=True)
    return {}


METHODS: Final = {
    "conversations.list": Method(list_all, 2, READ_SCOPES),
    "users.conversations": Method(list_joined, 3, READ_SCOPES),
    "conversations.info": Method(info, 3, READ_SCOPES),
    "conversations.history": Method(history, 3, HISTORY_SCOPES),
    "conversations.replies": Method(replies, 3, HISTORY_SCOPES),
    "conversations.members": Method(members, 4, READ_SCOPES),
    "conversations.join": Method(join, 3, ("channels:join",)),
    "conversations.leave": Method(leave, 3, MANAGE_SCOPES),
    "conversations.open": Method(open_direct, 3, ("im:write", "mpim:write", *MANAGE_SCOPES)),
    "conversations.invite": Method(invite, 3, MANAGE_SCOPES),
    "conversations.kick": Method(kick, 3, MANAGE_SCOPES),
    "conversations.archive": Method(archive, 2, MANAGE_SCOPES),
}


def _listing(call: MethodCall, channels: Iterable[Channel]) -> JsonObject:
    asked = [word.strip() for word in call.strings("types")] or ["public_channel"]
    fail_if(any(word not in CHANNEL_TYPES.values() for word in asked), "invalid_types")
    for channel_type, scope in zip(CHANNEL_TYPES.values(), READ_SCOPES, strict=True):
        if channel_type in asked:
            call.require_scope(scope)
    bot = call.bot.user_id
    no_archived = call.flag("exclude_archived")
    shown = [c for c in channels if CHANNEL_TYPES[c.channel_type] in asked and not (no_archived and c.is_archived)]
    chosen, following = paginate(call, shown, default=100)
    return {"channels": [channel.as_json(bot, with_count=True) for channel in chosen], **following}


def _readable(call: MethodCall) -> Channel:
    channel = call.channel(suffix="history")
    fail_if(call.bot.user_id not in channel.members, "not_in_channel")
    return channel


def _joined_channel(call: MethodCall) -> Channel:
    channel = call.channel()
    fail_if(channel.is_direct, "method_not_supported_for_channel_type")
    fail_if(call.bot.user_id not in channel.members, "not_in_channel")
    fail_if(channel.is_archived, "is_archived")
    return channel


def _select(call: MethodCall, times: list[str], before: str = "") -> list[str]:
    """Returns the visible times between the call's bounds, or before the given time."""
    oldest, latest, inclusive = _read_ts(call, "oldest"), _read_ts(call, "latest"), call.flag("inclusive")
    if before:
        latest, inclusive = before, False
    selected = between(times, oldest, latest, inclusive=inclusive)
    return between(selected, "", call.workspace.visible_until(), inclusive=True)


def _read_ts(call: MethodCall, name: str) -> str:
    value = call.text(name)
    if value in ("", "now"):
        return ""
    try:
        return format_ts(parse_ts(value))
    except ValueError:
        raise SlackError(f"invalid_ts_{name}") from None


def _serialize(call: MethodCall, messages: Iterable[Message]) -> list[JsonObject]:
    with_metadata = call.flag("include_all_metadata")
    return [message.as_json(with_metadata=with_metadata) for message in messages]
