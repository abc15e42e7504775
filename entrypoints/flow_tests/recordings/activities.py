"""Converts people's activities other than messages in a recorded session to steps of flow tests."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_Content = Mapping[str, Any]
"""The fields of an event of `domain.interactions`."""


@dataclass(frozen=True, slots=True)
class Activity:
    """A step: its kind, its value, the message it is about, and its options."""

    kind: str
    value: Any
    timestamp: str = ""
    """The timestamp of the message; empty if the step is about none, or about one that cannot be named."""
    options: Mapping[str, Any] = field(default_factory=dict)


def activity_of(event: str, content: _Content) -> Activity | None:
    """Returns the step for a recorded event, by its name in Flyte; None if no step does this."""
    make = _STEPS.get(event)
    return make(content) if make else None


def _reaction(content: _Content) -> Activity | None:
    kind = "react" if content["is_added"] else "unreact"
    return Activity(kind, content["reaction"], content["timestamp"]) if content["item_type"] == "message" else None


def _block_action(content: _Content) -> Activity:
    timestamp = "" if content["is_ephemeral"] or content["view_id"] else content["timestamp"]
    if content["action_type"] == "button":
        return Activity("click", content["action_id"], timestamp)
    values = list(content["values"])
    choice = values if content["action_type"].startswith("multi_") or len(values) != 1 else values[0]
    return Activity("choose", choice, timestamp, {"from": content["action_id"]})


def _slash_command(content: _Content) -> Activity:
    return Activity("slash", f"{content['command']} {content['text']}".rstrip())


def _shortcut(content: _Content) -> Activity:
    return Activity("shortcut", content["callback_id"], content["timestamp"])


def _view(content: _Content) -> Activity:
    if not content["is_submitted"]:
        return Activity("close", "all" if content["is_cleared"] else "modal")
    return Activity("submit", dict(_entered(content["state"])))


def _entered(state: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yields what was entered in a form, by block id, or by `action_id` where a block has several fields."""
    for block_id, values in state.items():
        for action_id, value in values.items():
            if value not in ("", [], None):
                yield (block_id if len(values) == 1 else action_id), value


def _change(content: _Content) -> Activity:
    if content["is_deleted"]:
        return Activity("delete", "", content["timestamp"])
    return Activity("edit", content["message"], content["timestamp"])


_STEPS: Final[Mapping[str, Callable[[_Content], Activity | None]]] = {
    "ReactionAdded": _reaction,
    "ReactionRemoved": _reaction,
    "ReceivedBlockAction": _block_action,
    "ReceivedSlashCommand": _slash_command,
    "ReceivedShortcut": _shortcut,
    "ReceivedViewSubmission": _view,
    "ReceivedViewClosed": _view,
    "ReceivedEdit": _change,
    "ReceivedDeletion": _change,
}
