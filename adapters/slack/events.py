"""Parses Slack's events, for every receiver."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from adapters.serialization.timestamps import parse_ts
from adapters.slack.schemas import parse_message
from application.ports.receiver import AccessLost, ChatEvent, MembershipGained, MembershipLost
from domain.channels import ChannelId
from domain.json_values import Json, JsonObject

log = structlog.get_logger()


def parse_callback(body: Json, own_user_id: str) -> ChatEvent | None:
    """Parses the event inside the body of a delivery by Socket Mode or HTTP, like `parse_event`."""
    if isinstance(body, dict) and body.get("type") == "app_rate_limited":
        log.warning("slack_holds_back_events", minute=_truncate(body.get("minute_rate_limited")))
        return None
    return parse_event(body.get("event") if isinstance(body, dict) else None, own_user_id)


def parse_event(event: Json, own_user_id: str) -> ChatEvent | None:
    """Returns the pack's event; None if the pack has no use for it, or it is malformed. Never raises.

    `own_user_id` is the pack's own user: Slack reports its memberships like everyone's, and delivers its messages too.
    """
    if not isinstance(event, dict):
        log.warning("slack_event_malformed", reason="not an object")
        return None
    kind = event.get("type")
    parse = EVENT_PARSERS.get(kind) if isinstance(kind, str) else None
    if parse is None:
        log.debug("slack_event_ignored", type=_truncate(kind))
        return None
    try:
        return parse(event, own_user_id)
    except ValueError as error:
        log.warning("slack_event_malformed", type=_truncate(kind), reason=str(error))
        return None


def _message(event: JsonObject, _own_user_id: str) -> ChatEvent | None:
    # An edit repeats the `app_mention` with the old `ts`. In the history, edited messages are messages like any other.
    message = None if event.get("edited") else parse_message(event)
    if message is None:
        log.debug("slack_message_ignored", subtype=_truncate(event.get("subtype")))
    return message


def _member_joined(event: JsonObject, own_user_id: str) -> ChatEvent | None:
    return _bot_joined(event, own_user_id) if event.get("user") == own_user_id else None


def _member_left(event: JsonObject, own_user_id: str) -> ChatEvent | None:
    return _bot_left(event, own_user_id) if event.get("user") == own_user_id else None


def _bot_joined(event: JsonObject, _own_user_id: str) -> ChatEvent:
    return MembershipGained(_channel_id(event), _event_time(event))


def _bot_left(event: JsonObject, _own_user_id: str) -> ChatEvent:
    return MembershipLost(_channel_id(event), _event_time(event))


def _tokens_revoked(event: JsonObject, _own_user_id: str) -> ChatEvent | None:
    tokens = event.get("tokens")
    # `oauth` lists users' tokens, which the pack does not use.
    return AccessLost("tokens_revoked") if isinstance(tokens, dict) and tokens.get("bot") else None


def _app_uninstalled(_event: JsonObject, _own_user_id: str) -> ChatEvent:
    return AccessLost("app_uninstalled")


EVENT_PARSERS: Final[dict[str, Callable[[JsonObject, str], ChatEvent | None]]] = {
    "message": _message,
    # Repeats a `message` event, but some workspaces send only this one.
    "app_mention": _message,
    "member_joined_channel": _member_joined,
    "member_left_channel": _member_left,
    **dict.fromkeys(("channel_joined", "group_joined"), _bot_joined),
    **dict.fromkeys(("channel_left", "group_left"), _bot_left),
    **dict.fromkeys(("channel_archive", "group_archive", "channel_deleted", "group_deleted"), _bot_left),
    "tokens_revoked": _tokens_revoked,
    "app_uninstalled": _app_uninstalled,
}


def _channel_id(event: JsonObject) -> ChannelId:
    """The id is inside a channel object in RTM's `..._joined` events."""
    channel = event.get("channel")
    channel_id = channel.get("id") if isinstance(channel, dict) else channel
    if not isinstance(channel_id, str) or not channel_id:
        raise ValueError("missing or not a text: channel")
    return ChannelId(channel_id)


def _event_time(event: JsonObject) -> datetime | None:
    timestamp = event.get("event_ts")
    return parse_ts(timestamp) if isinstance(timestamp, str) else None


def _truncate(value: Json) -> str | int:
    return value[:50] if isinstance(value, str) else value if isinstance(value, int) else type(value).__name__
