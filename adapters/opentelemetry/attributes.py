"""Attributes by the conventions for messaging: ids and names only, never a text or a person's name."""

from typing import Final

from adapters.opentelemetry.spans import Attributes
from application.services.lanes import lane_of
from domain.actions import Action, action_key
from domain.outbox import OutboxEntry

_SYSTEM: Final = "slack"
RECEIVE: Final = "receive"
PROCESS: Final = "process"
SEND: Final = "send"


def messaging(operation: str, channel_id: str, message_id: str) -> Attributes:
    """Returns the attributes of an operation; an empty channel is left out."""
    destination = {"messaging.destination.name": channel_id} if channel_id else {}
    return {
        "messaging.system": _SYSTEM,
        "messaging.operation.type": operation,
        "messaging.message.id": message_id,
        **destination,
    }


def of_entry(operation: str, entry: OutboxEntry) -> Attributes:
    """Returns the attributes of an event, with the key that `outbox list` shows."""
    return messaging(operation, entry.event.channel_id, entry.key)


def of_action(operation: str, action: Action) -> Attributes:
    """Returns the attributes of an action, with the key that `journal list` shows."""
    lane = lane_of(action.id, action.command)
    return messaging(operation, "" if lane.startswith("action ") else lane, action_key(action.id))
