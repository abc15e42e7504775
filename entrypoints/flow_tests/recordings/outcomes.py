"""Converts the bot's actions other than posts in a recorded session to expectations of flow tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from entrypoints.flow_tests.recordings.activities import Activity
from entrypoints.simulation.workspaces.message_text import view_text, visible_text

_Fields = Mapping[str, Any]
"""The arguments of a request to Slack, by the port's names."""


@dataclass(slots=True)
class Cast:
    """The last person and place of an action, and the current contents of the bot's messages."""

    user_id: str = ""
    channel_id: str = ""
    timestamp: str = ""
    """The timestamp of the message that was used; empty if it was none that everybody sees."""
    contents: dict[tuple[str, str], _Fields] = field(default_factory=dict)
    """The fields of the bot's messages, by channel and `ts`."""
    uploads: dict[str, _Fields] = field(default_factory=dict)
    """The inputs of `UploadFile` whose files are not shared yet, by action id."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An expectation, in a channel unless that is empty, and for a user unless that is empty."""

    expected: Activity
    channel_id: str = ""
    user_id: str = ""


def outcome_of(request: str, fields: _Fields, cast: Cast) -> Outcome | None:
    """Returns what a successful request leads to; None for nothing that people see, or that is a message."""
    make = _OUTCOMES.get(request)
    return make(fields, cast) if make else None


def _update(fields: _Fields, cast: Cast) -> Outcome:
    return _changed(fields["channel_id"], fields["timestamp"], fields["fields"], cast)


def _changed(channel_id: str, timestamp: str, changes: _Fields, cast: Cast) -> Outcome:
    """As in Slack, a message keeps what a change does not name."""
    content = cast.contents[channel_id, timestamp] = {**cast.contents.get((channel_id, timestamp), {}), **changes}
    return Outcome(Activity("update", visible_text(content), timestamp), channel_id)


def _delete(fields: _Fields, _: Cast) -> Outcome:
    return Outcome(Activity("deletion", "", fields["timestamp"]), fields["channel_id"])


def _reaction(fields: _Fields, _: Cast) -> Outcome:
    return Outcome(Activity("reaction", fields["reaction"], fields["timestamp"]), fields["channel_id"])


def _removed_reaction(fields: _Fields, cast: Cast) -> Outcome:
    added = _reaction(fields, cast).expected
    return Outcome(Activity("reaction", added.value, added.timestamp, {"removed": True}), fields["channel_id"])


def _ephemeral(fields: _Fields, _: Cast) -> Outcome:
    expected = Activity("ephemeral", visible_text(fields["fields"]))
    return Outcome(expected, fields["channel_id"], fields["user_id"])


def _response(fields: _Fields, cast: Cast) -> Outcome | None:
    message = fields["fields"]
    if message.get("delete_original"):
        return Outcome(Activity("deletion", "", cast.timestamp), cast.channel_id) if cast.timestamp else None
    if message.get("replace_original") and cast.timestamp:
        return _changed(cast.channel_id, cast.timestamp, {"blocks": [], "attachments": [], **message}, cast)
    if message.get("response_type") == "in_channel":
        return None
    return Outcome(Activity("ephemeral", visible_text(message)), cast.channel_id, cast.user_id)


def _modal(fields: _Fields, cast: Cast) -> Outcome | None:
    view = fields["view"]
    if view.get("type") == "home":
        return None
    return Outcome(Activity("modal", view["title"]["text"]), user_id=cast.user_id)


def _home(fields: _Fields, _: Cast) -> Outcome:
    return Outcome(Activity("home", view_text(fields["view"])), user_id=fields["user_id"])


def _file(fields: _Fields, cast: Cast) -> Outcome:
    here = [id_ for id_, given in cast.uploads.items() if given.get("channelId") == fields["channel_id"]]
    name = cast.uploads.pop(here[0])["filename"] if here else {"matches": ""}
    return Outcome(Activity("file", name, "", {"text": fields["message"]}), fields["channel_id"])


_OUTCOMES: Final[Mapping[str, Callable[[_Fields, Cast], Outcome | None]]] = {
    "update": _update,
    "delete": _delete,
    "add_reaction": _reaction,
    "remove_reaction": _removed_reaction,
    "post_ephemeral": _ephemeral,
    "respond": _response,
    "open_view": _modal,
    "update_view": _modal,
    "publish_home": _home,
    "finish_upload": _file,
}
