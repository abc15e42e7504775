"""Names for people's actions that Slack, the pack and Flyte have in common."""

from collections.abc import Mapping
from typing import Any

from domain.interactions import BlockAction, MessageChange, Reaction, Shortcut, SlashCommand, ViewEvent
from domain.messages import IncomingMessage
from domain.outbox import InboundEvent


def message_source(channel: str, ts: str) -> str:
    """The name of a new message."""
    return f"message {channel} {ts}"


def view_source(view_id: object, view_hash: object) -> str:
    """The name of the closing of a view, which has no trigger."""
    return f"view {view_id} {view_hash}"


def source_of_event(event: InboundEvent) -> str:
    """Returns the name of an event in the pack; empty for those that are not traced."""
    match event:
        case IncomingMessage(channel_id=channel, timestamp=ts):
            return message_source(channel, ts)
        case BlockAction(trigger_id=trigger) | SlashCommand(trigger_id=trigger) | Shortcut(trigger_id=trigger):
            return trigger
        case ViewEvent(trigger_id=trigger, view_id=view_id, view_hash=view_hash):
            return trigger or view_source(view_id, view_hash)
        case Reaction(event_timestamp=ts) | MessageChange(event_timestamp=ts):
            return ts
        case _:
            return ""


def source_of_payload(event: str, payload: object) -> str:
    """Returns the name of an event at Flyte; empty for those that are not traced."""
    if not isinstance(payload, Mapping):
        return ""
    if event == "ReceivedMessage":
        return message_source(str(payload.get("channelId")), str(payload.get("timestamp")))
    found = payload.get("triggerId") or payload.get("eventTimestamp")
    return str(found or view_source(payload.get("viewId"), payload.get("viewHash")))


def source_of_interaction(payload: Mapping[str, Any]) -> str:
    """Returns the name of an interaction at Slack."""
    view = payload.get("view", {})
    return str(payload.get("trigger_id") or view_source(view.get("id"), view.get("hash")))
