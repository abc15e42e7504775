"""From Slack's events to what the pack hears. All receivers share it."""

from collections.abc import Callable
from datetime import datetime

import structlog

from adapters.serialization.timestamps import parse_ts
from adapters.slack.schemas import parse_said
from application.ports.receiver import AccessLost, ChatEvent, MembershipGained, MembershipLost
from domain.channels import ChannelId
from domain.json_values import Json, JsonObject

log = structlog.get_logger()


def callback_event(body: Json, own_user_id: str) -> ChatEvent | None:
    """What the body of a delivery means, by Socket Mode or HTTP; as `chat_event` for the event inside."""
    if isinstance(body, dict) and body.get("type") == "app_rate_limited":
        log.warning("slack_holds_back_events", minute=_shown(body.get("minute_rate_limited")))
        return None
    return chat_event(body.get("event") if isinstance(body, dict) else None, own_user_id)


def chat_event(event: Json, own_user_id: str) -> ChatEvent | None:
    """What this event of Slack's means for the pack; None when it means nothing. Never raises: it is foreign.

    `own_user_id` is the pack's own user, of whose membership Slack tells as of anybody's. The pack's own messages
    are events like others' here.
    """
    if not isinstance(event, dict):
        log.warning("slack_event_malformed", reason="not an object")
        return None
    kind = event.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        log.debug("slack_event_ignored", type=_shown(kind))
        return None
    try:
        return reader(event, own_user_id)
    except ValueError as error:
        log.warning("slack_event_malformed", type=_shown(kind), reason=str(error))
        return None


def _message(event: JsonObject, _own_user_id: str) -> ChatEvent | None:
    said = parse_said(event)
    if said is None:
        log.debug("slack_message_ignored", subtype=_shown(event.get("subtype")))
    return said


def _somebody_joined(event: JsonObject, own_user_id: str) -> ChatEvent | None:
    return _bot_joined(event, own_user_id) if event.get("user") == own_user_id else None


def _somebody_left(event: JsonObject, own_user_id: str) -> ChatEvent | None:
    return _bot_lost(event, own_user_id) if event.get("user") == own_user_id else None


def _bot_joined(event: JsonObject, _own_user_id: str) -> ChatEvent:
    return MembershipGained(_channel_of(event), _time_of(event))


def _bot_lost(event: JsonObject, _own_user_id: str) -> ChatEvent:
    return MembershipLost(_channel_of(event), _time_of(event))


def _tokens_revoked(event: JsonObject, _own_user_id: str) -> ChatEvent | None:
    tokens = event.get("tokens")
    # `oauth` lists people's tokens, which the pack has none of.
    return AccessLost("tokens_revoked") if isinstance(tokens, dict) and tokens.get("bot") else None


def _app_uninstalled(_event: JsonObject, _own_user_id: str) -> ChatEvent:
    return AccessLost("app_uninstalled")


_READERS: dict[str, Callable[[JsonObject, str], ChatEvent | None]] = {
    "message": _message,
    # The same message as a `message` event's, where there is one; some workspaces send only this.
    "app_mention": _message,
    "member_joined_channel": _somebody_joined,
    "member_left_channel": _somebody_left,
    **dict.fromkeys(("channel_joined", "group_joined"), _bot_joined),
    **dict.fromkeys(("channel_left", "group_left"), _bot_lost),
    **dict.fromkeys(("channel_archive", "group_archive", "channel_deleted", "group_deleted"), _bot_lost),
    "tokens_revoked": _tokens_revoked,
    "app_uninstalled": _app_uninstalled,
}


def _channel_of(event: JsonObject) -> ChannelId:
    """The channel's id, which RTM's `..._joined` events give inside the channel itself."""
    channel = event.get("channel")
    channel_id = channel.get("id") if isinstance(channel, dict) else channel
    if not isinstance(channel_id, str) or not channel_id:
        raise ValueError("missing or not a text: channel")
    return ChannelId(channel_id)


def _time_of(event: JsonObject) -> datetime | None:
    happened_at = event.get("event_ts")
    return parse_ts(happened_at) if isinstance(happened_at, str) else None


def _shown(value: Json) -> str | int:
    return value[:50] if isinstance(value, str) else value if isinstance(value, int) else type(value).__name__
