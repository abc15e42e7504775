"""Probes around two ports of the pack: they report which events it receives, stores and dead-letters.

They also tell which action a task carries out.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeAlias

from application.ports.receiver import IncomingEvent
from application.resilience.interception import PortCall
from domain.outbox import EVENT_TYPES, InboundEvent
from entrypoints.simulation.flyte.links import action_of
from entrypoints.simulation.slack.causes import current_action

INBOUND: Final = tuple(EVENT_TYPES.values())


class ProbeEvent(StrEnum):
    """What happened to an event in the pack."""

    RECEIVED = "received"
    """The pack has read the event."""
    PERSISTED = "safe"
    """The event is in the outbox, as durable as the storage makes it."""
    DEAD_LETTERED = "set_aside"
    """The pack has stopped delivering the event, and keeps it for an operator."""


ProbeListener: TypeAlias = Callable[[ProbeEvent, InboundEvent, str], None]
"""Called with what happened, the event and, for a dead letter, the reason. Must not block."""


class PackProbe:
    """A policy around the storage, and an observer of the receiver."""

    def __init__(self, listener: ProbeListener) -> None:
        self._listener = listener

    def on_received(self, incoming: IncomingEvent) -> None:
        """Reports a received event."""
        if isinstance(incoming.event, INBOUND):
            self._listener(ProbeEvent.RECEIVED, incoming.event, "")

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy: reports stored and dead-lettered events, and whose task it is."""
        result = await call.perform()
        match call.method, call.arguments:
            case "journal.record", (action,):  # the first that the task of an action does
                current_action.set(action_of(action.id))
            case "outbox.append", (entries,):
                for entry in entries:
                    self._listener(ProbeEvent.PERSISTED, entry.event, "")
            case "outbox.dead_letter", (_, entry, reason):
                self._listener(ProbeEvent.DEAD_LETTERED, entry.event, reason)
            case _:
                pass
        return result
