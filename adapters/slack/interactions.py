"""Parses what people do with the app: clicks, slash commands, shortcuts and views. Slack delivers each of them once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from adapters.slack.element_values import element_value, form_state, value_texts
from adapters.slack.values import json_object, object_list, required_text, text
from adapters.slack.workspaces import in_workspace
from application.ports.receiver import ChatEvent, OtherWorkspaceEvent
from domain.channels import NO_CHANNEL, ChannelId
from domain.interactions import BlockAction, Interaction, Shortcut, SlashCommand, ViewEvent
from domain.json_values import Json, JsonObject
from domain.users import Identity

log = structlog.get_logger()

_Events: TypeAlias = list[Interaction | OtherWorkspaceEvent]

_SUGGESTION: Final = "block_suggestion"
"""A request for the options of a select, which the pack never has."""
_MAX_KINDS: Final = 100
"""How many kinds are logged, each once."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The content of one delivery of Slack."""

    events: Sequence[ChatEvent]
    """Events to acknowledge together; none if the pack has no use for the delivery, or it is malformed."""
    response: JsonObject | None = None
    """The content of the acknowledgement, if any."""


class InteractionParser:
    """Parses interactions. Each kind that the pack has no use for is logged once.

    `command_reply` is shown at once to the users of slash commands; empty: nothing is.
    """

    def __init__(self, command_reply: str) -> None:
        self._command_response: JsonObject | None = {"text": command_reply} if command_reply else None
        self._ignored: set[str] = set()

    def parse(self, payload: Json, own: Identity) -> Delivery:
        """Parses a payload of Slack's. Never raises."""
        fields = json_object(payload)
        kind = text(fields.get("type"))[:50]
        parse = _PARSERS.get(kind)
        if parse is None:
            self._log_ignored(kind or "unknown")
            return Delivery([], {"options": []} if kind == _SUGGESTION else None)
        return Delivery(_parsed(kind, lambda: [_in_workspace(event, fields, own) for event in parse(fields)]))

    def parse_command(self, fields: JsonObject, own: Identity) -> Delivery:
        """Parses the fields of a slash command. Never raises."""
        if fields.get("ssl_check"):
            self._log_ignored("ssl_check")
            return Delivery([])
        events = _parsed("slash_command", lambda: [in_workspace(_slash_command(fields), fields, own)])
        return Delivery(events, self._command_response if events else None)

    def _log_ignored(self, kind: str) -> None:
        if kind not in self._ignored and len(self._ignored) < _MAX_KINDS:
            self._ignored.add(kind)
            log.warning("slack_interaction_ignored", type=kind)


def _parsed(kind: str, parse: Callable[[], _Events]) -> _Events:
    try:
        return parse()
    except ValueError as error:
        log.warning("slack_interaction_malformed", type=kind, reason=str(error))
        return []


def _in_workspace(event: Interaction, payload: JsonObject, own: Identity) -> Interaction | OtherWorkspaceEvent:
    return event if _is_own(payload, own) else in_workspace(event, _origin(payload), own)


def _is_own(payload: JsonObject, own: Identity) -> bool:
    """Returns whether it concerns the pack whatever workspace it names, which may be that of a guest.

    So it does if the pack's bot showed what was used, or if the payload names no workspace but that of its user.
    """
    shown = json_object(payload.get("message")), json_object(payload.get("view"))
    if own.bot_id and any(text(place.get("bot_id")) == own.bot_id for place in shown):
        return True
    return not json_object(payload.get("team")) and _team_id(payload) == own.team_id


def _origin(payload: JsonObject) -> JsonObject:
    """Returns the workspaces that a payload names, as events name theirs. An organization's app may get none."""
    team, view = json_object(payload.get("team")), json_object(payload.get("view"))
    return {
        "team_id": team.get("id"),
        "enterprise_id": json_object(payload.get("enterprise")).get("id"),
        # A view that was opened from a channel shared with another workspace.
        "context_team_id": view.get("app_installed_team_id"),
    }


def _block_actions(payload: JsonObject) -> list[Interaction]:
    container, message = json_object(payload.get("container")), json_object(payload.get("message"))
    view = json_object(payload.get("view"))
    form = json_object(view.get("state") or payload.get("state"))
    user_id, state = _user_id(payload), form_state(form)
    found: list[Interaction] = []
    for action in filter(_has_id, object_list(payload, "actions")):
        value = element_value(action)
        found.append(
            BlockAction(
                channel_id=_channel_id(payload, container),
                user_id=user_id,
                team_id=_team_id(payload),
                action_id=required_text(action, "action_id"),
                action_type=text(action.get("type")),
                block_id=text(action.get("block_id")),
                value=next(iter(value_texts(value)), ""),
                values=value_texts(value),
                timestamp=text(container.get("message_ts")) or text(message.get("ts")),
                thread_timestamp=text(message.get("thread_ts")) or text(container.get("thread_ts")),
                message=text(message.get("text")),
                is_ephemeral=container.get("is_ephemeral") is True or message.get("is_ephemeral") is True,
                action_timestamp=text(action.get("action_ts")),
                trigger_id=text(payload.get("trigger_id")),
                response_url=text(payload.get("response_url")),
                view_id=text(view.get("id")) or text(container.get("view_id")),
                view_hash=text(view.get("hash")),
                callback_id=text(view.get("callback_id")),
                external_id=text(view.get("external_id")),
                private_metadata=text(view.get("private_metadata")),
                state=state,
            )
        )
    if not found:
        raise ValueError("missing or not a list of objects with an action_id: actions")
    return found


def _has_id(action: JsonObject) -> bool:
    return bool(text(action.get("action_id")))


def _global_shortcut(payload: JsonObject) -> list[Interaction]:
    return [_shortcut(payload, "global")]


def _message_shortcut(payload: JsonObject) -> list[Interaction]:
    return [_shortcut(payload, "message")]


def _shortcut(payload: JsonObject, kind: str) -> Shortcut:
    message = json_object(payload.get("message"))
    return Shortcut(
        channel_id=_channel_id(payload, {}),
        user_id=_user_id(payload),
        team_id=_team_id(payload),
        callback_id=text(payload.get("callback_id")),
        shortcut_type=kind,
        timestamp=text(payload.get("message_ts")) or text(message.get("ts")),
        thread_timestamp=text(message.get("thread_ts")),
        message=text(message.get("text")),
        trigger_id=required_text(payload, "trigger_id"),
        response_url=text(payload.get("response_url")),
    )


def _view_submission(payload: JsonObject) -> list[Interaction]:
    return [_view_event(payload, is_submitted=True)]


def _view_closed(payload: JsonObject) -> list[Interaction]:
    return [_view_event(payload, is_submitted=False)]


def _view_event(payload: JsonObject, *, is_submitted: bool) -> ViewEvent:
    view = json_object(payload.get("view"))
    return ViewEvent(
        user_id=_user_id(payload),
        team_id=_team_id(payload),
        is_submitted=is_submitted,
        callback_id=text(view.get("callback_id")),
        view_id=required_text(view, "id"),
        view_hash=text(view.get("hash")),
        external_id=text(view.get("external_id")),
        private_metadata=text(view.get("private_metadata")),
        state=form_state(json_object(view.get("state"))),
        trigger_id=text(payload.get("trigger_id")),
        response_urls=tuple(map(_response_url, object_list(payload, "response_urls"))),
        is_cleared=payload.get("is_cleared") is True,
    )


def _slash_command(fields: JsonObject) -> SlashCommand:
    return SlashCommand(
        channel_id=ChannelId(text(fields.get("channel_id"))),
        user_id=required_text(fields, "user_id"),
        team_id=text(fields.get("team_id")),
        command=required_text(fields, "command"),
        text=text(fields.get("text")),
        channel_name=text(fields.get("channel_name")),
        trigger_id=required_text(fields, "trigger_id"),
        response_url=text(fields.get("response_url")),
    )


_PARSERS: Final[Mapping[str, Callable[[JsonObject], list[Interaction]]]] = {
    "block_actions": _block_actions,
    "shortcut": _global_shortcut,
    "message_action": _message_shortcut,
    "view_submission": _view_submission,
    "view_closed": _view_closed,
}


def _user_id(payload: JsonObject) -> str:
    if found := text(json_object(payload.get("user")).get("id")):
        return found
    raise ValueError("missing or not a text: user")


def _team_id(payload: JsonObject) -> str:
    """Returns the workspace; only the user tells it if the app is installed in a whole organization."""
    places = json_object(payload.get("team")).get("id"), json_object(payload.get("user")).get("team_id")
    return next(filter(None, map(text, places)), "")


def _channel_id(payload: JsonObject, container: JsonObject) -> ChannelId:
    found = text(json_object(payload.get("channel")).get("id")) or text(container.get("channel_id"))
    return ChannelId(found) if found else NO_CHANNEL


def _response_url(fields: JsonObject) -> Json:
    names = {"blockId": "block_id", "actionId": "action_id", "channelId": "channel_id", "responseUrl": "response_url"}
    return {ours: text(fields.get(slacks)) for ours, slacks in names.items()}
