"""Parses Slack's events, for every receiver."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

import structlog

from adapters.serialization.json_codec import write_json
from adapters.serialization.timestamps import parse_ts
from adapters.slack.changed_messages import parse_change
from adapters.slack.schemas import parse_message
from adapters.slack.values import json_object, required_text, text
from adapters.slack.workspaces import in_workspace
from application.ports.receiver import (
    AccessLost,
    ChannelIdChanged,
    MembershipGained,
    MembershipLost,
    OtherWorkspaceEvent,
    WorkspaceEvent,
)
from domain.channels import NO_CHANNEL, ChannelId
from domain.interactions import OtherEvent, Reaction
from domain.json_values import Json, JsonObject
from domain.users import Identity

log = structlog.get_logger()

_MAX_EVENT_BYTES: Final = 256 * 1024
"""The limit of an event that is passed on as Slack sent it; of a larger one, only the type is passed on."""
_SECRETS: Final = ("token", "bot_access_token")
"""Fields that are never kept."""


@dataclass(frozen=True, slots=True)
class EventSelection:
    """The optional events that the operator asks for."""

    edits: bool = False
    """Edited and deleted messages."""
    other_types: frozenset[str] = frozenset()
    """Slack's names of events that are passed on as they are."""


NOTHING_OPTIONAL: Final = EventSelection()

CallbackEvents: TypeAlias = list[WorkspaceEvent | OtherWorkspaceEvent]


def parse_callback(body: Json, own: Identity, selection: EventSelection = NOTHING_OPTIONAL) -> CallbackEvents:
    """Returns what the body of a delivery by Socket Mode or HTTP reports, to be acknowledged together. Never raises.

    A change of the bot's membership, for example, is one event for the pack and, if its type is selected, another one.
    """
    if not isinstance(body, dict):
        log.warning("slack_event_malformed", reason="not an object")
        return []
    if body.get("type") == "app_rate_limited":
        log.warning("slack_holds_back_events", minute=_truncate(body.get("minute_rate_limited")))
        return []
    event = body.get("event")
    if isinstance(event, dict) and (team_id := text(body.get("team_id"))):
        event = {**event, "team": team_id}
    known = parse_event(event, own, selection)
    other = _other_event(body, selection)
    events = [event for event in (known, other) if event is not None]
    # The bot's user is another one in every workspace, so that its own joining is the pack's.
    return [event if isinstance(event, MembershipGained) else in_workspace(event, body, own) for event in events]


def parse_event(event: Json, own: Identity, selection: EventSelection = NOTHING_OPTIONAL) -> WorkspaceEvent | None:
    """Returns the pack's event; None if the pack has no use for it, or it is malformed. Never raises.

    `own` is the pack's own user: Slack reports its memberships like everyone's, and delivers its messages too.
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
        if selection.edits and kind == "message" and (change := parse_change(event, own)):
            return change
        return parse(event, own)
    except ValueError as error:
        log.warning("slack_event_malformed", type=_truncate(kind), reason=str(error))
        return None


def _other_event(body: JsonObject, selection: EventSelection) -> OtherEvent | None:
    event = json_object(body.get("event"))
    kind = text(event.get("type"))
    if kind not in selection.other_types:
        return None
    try:
        return OtherEvent(
            channel_id=ChannelId(_id(event, "channel", "channel_id") or _id(json_object(event.get("item")), "channel")),
            user_id=_id(event, "user", "user_id"),
            team_id=text(body.get("team_id")) or text(event.get("team")),
            type=kind,
            event_id=required_text(body, "event_id"),
            event=_bounded(json_object(_without_secrets(event))),
        )
    except ValueError as error:
        log.warning("slack_event_malformed", type=_truncate(kind), reason=str(error))
        return None


def _id(fields: JsonObject, *names: str) -> str:
    """Returns the first id under these names, where some events have the whole object."""
    values = (fields.get(name) for name in names)
    return next(filter(None, (text(value) or text(json_object(value).get("id")) for value in values)), "")


def _without_secrets(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _without_secrets(child) for name, child in value.items() if name not in _SECRETS}
    return [_without_secrets(child) for child in value] if isinstance(value, list) else value


def _bounded(event: JsonObject) -> JsonObject:
    """Raises ValueError for numbers without a JSON form."""
    if (size := len(write_json(event))) <= _MAX_EVENT_BYTES:
        return event
    log.warning("slack_event_truncated", type=_truncate(event.get("type")), bytes=size)
    return {"type": event.get("type"), "truncated": True}


def _message(event: JsonObject, own: Identity) -> WorkspaceEvent | None:
    # An edit repeats the `app_mention` with the old `ts`. In the history, edited messages are messages like any other.
    message = None if event.get("edited") else parse_message(event, own)
    if message is None:
        log.debug("slack_message_ignored", subtype=_truncate(event.get("subtype")))
    return message


def _member_joined(event: JsonObject, own: Identity) -> WorkspaceEvent | None:
    return _bot_joined(event, own) if event.get("user") == own.user_id else None


def _member_left(event: JsonObject, own: Identity) -> WorkspaceEvent | None:
    return _bot_left(event, own) if event.get("user") == own.user_id else None


def _bot_joined(event: JsonObject, _own: Identity) -> WorkspaceEvent:
    return MembershipGained(_channel_id(event), _event_time(event))


def _bot_left(event: JsonObject, _own: Identity) -> WorkspaceEvent:
    return MembershipLost(_channel_id(event), _event_time(event))


def _channel_id_changed(event: JsonObject, _own: Identity) -> WorkspaceEvent:
    return ChannelIdChanged(_channel_id(event, "old_channel_id"), _channel_id(event, "new_channel_id"))


def _tokens_revoked(event: JsonObject, _own: Identity) -> WorkspaceEvent | None:
    tokens = event.get("tokens")
    # `oauth` lists users' tokens, which the pack does not use.
    return AccessLost("tokens_revoked") if isinstance(tokens, dict) and tokens.get("bot") else None


def _app_uninstalled(_event: JsonObject, _own: Identity) -> WorkspaceEvent:
    return AccessLost("app_uninstalled")


def _reaction_added(event: JsonObject, own: Identity) -> WorkspaceEvent:
    return _reaction(event, own, is_added=True)


def _reaction_removed(event: JsonObject, own: Identity) -> WorkspaceEvent:
    return _reaction(event, own, is_added=False)


def _reaction(event: JsonObject, own: Identity, *, is_added: bool) -> Reaction:
    item = json_object(event.get("item"))
    is_to_message = required_text(item, "type") == "message"
    return Reaction(
        channel_id=ChannelId(required_text(item, "channel")) if is_to_message else NO_CHANNEL,
        user_id=required_text(event, "user"),
        team_id=text(event.get("team")) or own.team_id,
        is_added=is_added,
        reaction=required_text(event, "reaction"),
        timestamp=required_text(item, "ts") if is_to_message else "",
        item_type=required_text(item, "type"),
        item_user_id=text(event.get("item_user")),
        event_timestamp=text(event.get("event_ts")),
    )


EVENT_PARSERS: Final[dict[str, Callable[[JsonObject, Identity], WorkspaceEvent | None]]] = {
    "message": _message,
    # Repeats a `message` event, but some workspaces send only this one.
    "app_mention": _message,
    "member_joined_channel": _member_joined,
    "member_left_channel": _member_left,
    **dict.fromkeys(("channel_joined", "group_joined"), _bot_joined),
    # Whether the bot is a member again is asked, as after each change.
    **dict.fromkeys(("channel_unarchive", "group_unarchive"), _bot_joined),
    **dict.fromkeys(("channel_left", "group_left"), _bot_left),
    **dict.fromkeys(("channel_archive", "group_archive", "channel_deleted", "group_deleted"), _bot_left),
    "reaction_added": _reaction_added,
    "reaction_removed": _reaction_removed,
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
