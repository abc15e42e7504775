"""Parses Slack's events, for every receiver."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from adapters.serialization.timestamps import parse_ts
from adapters.slack.schemas import parse_message
from application.ports.receiver import (
    AccessLost,
    ChannelIdChanged,
    MembershipGained,
    MembershipLost,
    OtherWorkspaceEvent,
    WorkspaceEvent,
)
from domain.channels import ChannelId
from domain.json_values import Json, JsonObject
from domain.users import Identity

log = structlog.get_logger()


def parse_callback(body: Json, identity: Identity) -> WorkspaceEvent | OtherWorkspaceEvent | None:
    """Parses the event inside the body of a delivery by Socket Mode or HTTP, like `parse_event`."""
    if not isinstance(body, dict):
        return parse_event(None, identity.user_id)
    if body.get("type") == "app_rate_limited":
        log.warning("slack_holds_back_events", minute=_truncate(body.get("minute_rate_limited")))
        return None
    event = parse_event(body.get("event"), identity.user_id)
    team_id = other_workspace(body, identity)
    # The bot's user is another one in every workspace, so that its own joining is the pack's.
    if not team_id or event is None or isinstance(event, MembershipGained):
        return event
    return OtherWorkspaceEvent(team_id, event)


def other_workspace(body: JsonObject, identity: Identity) -> str:
    """Returns the workspace in which an event happened; empty if it is the pack's own, or may be."""
    if not identity.team_id or identity.is_organization_wide or body.get("is_ext_shared_channel"):
        return ""
    authorizations = body.get("authorizations")
    places = [body, *(authorizations if isinstance(authorizations, list) else ())]
    names = ("team_id", "context_team_id", "enterprise_id", "context_enterprise_id")
    named = [place.get(name) for place in places if isinstance(place, dict) for name in names]
    teams = [team for team in named if isinstance(team, str) and team]
    is_own = any(team in (identity.team_id, identity.enterprise_id) for team in teams)
    return "" if is_own or not teams else teams[0]


def parse_event(event: Json, own_user_id: str) -> WorkspaceEvent | None:
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


def _message(event: JsonObject, _own_user_id: str) -> WorkspaceEvent | None:
    # An edit repeats the `app_mention` with the old `ts`. In the history, edited messages are messages like any other.
    message = None if event.get("edited") else parse_message(event)
    if message is None:
        log.debug("slack_message_ignored", subtype=_truncate(event.get("subtype")))
    return message


def _member_joined(event: JsonObject, own_user_id: str) -> WorkspaceEvent | None:
    return _bot_joined(event, own_user_id) if event.get("user") == own_user_id else None


def _member_left(event: JsonObject, own_user_id: str) -> WorkspaceEvent | None:
    return _bot_left(event, own_user_id) if event.get("user") == own_user_id else None


def _bot_joined(event: JsonObject, _own_user_id: str) -> WorkspaceEvent:
    return MembershipGained(_channel_id(event), _event_time(event))


def _bot_left(event: JsonObject, _own_user_id: str) -> WorkspaceEvent:
    return MembershipLost(_channel_id(event), _event_time(event))


def _channel_id_changed(event: JsonObject, _own_user_id: str) -> WorkspaceEvent:
    return ChannelIdChanged(_channel_id(event, "old_channel_id"), _channel_id(event, "new_channel_id"))


def _tokens_revoked(event: JsonObject, _own_user_id: str) -> WorkspaceEvent | None:
    tokens = event.get("tokens")
    # `oauth` lists users' tokens, which the pack does not use.
    return AccessLost("tokens_revoked") if isinstance(tokens, dict) and tokens.get("bot") else None


def _app_uninstalled(_event: JsonObject, _own_user_id: str) -> WorkspaceEvent:
    return AccessLost("app_uninstalled")


EVENT_PARSERS: Final[dict[str, Callable[[JsonObject, str], WorkspaceEvent | None]]] = {
    "message": _message,
    # Repeats a `message` event, but some workspaces send only this one.
    "app_mention": _message,
    "member_joined_channel": _member_joined,
    "member_left_channel": _member_left,
    **dict.fromkeys(("channel_joined", "group_joined"), _bot_joined),
    **dict.fromkeys(("channel_left", "group_left"), _bot_left),
    **dict.fromkeys(("channel_archive", "group_archive", "channel_deleted", "group_deleted"), _bot_left),
    "channel_id_changed": _channel_id_changed,
    "tokens_revoked": _tokens_revoked,
    "app_uninstalled": _app_uninstalled,
}


def _channel_id(event: JsonObject, field: str = "channel") -> ChannelId:
    """The id is inside a channel object in RTM's `..._joined` events."""
    channel = event.get(field)
    channel_id = channel.get("id") if isinstance(channel, dict) else channel
    if not isinstance(channel_id, str) or not channel_id:
        raise ValueError(f"missing or not a text: {field}")
    return ChannelId(channel_id)


def _event_time(event: JsonObject) -> datetime | None:
    timestamp = event.get("event_ts")
    return parse_ts(timestamp) if isinstance(timestamp, str) else None


def _truncate(value: Json) -> str | int:
    return value[:50] if isinstance(value, str) else value if isinstance(value, int) else type(value).__name__
