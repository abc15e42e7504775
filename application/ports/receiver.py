"""Events from the chat service, as they happen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, TypeAlias

from domain.channels import ChannelId
from domain.interactions import INTERACTIONS
from domain.outbox import InboundEvent

CONNECT: Final = "connect"
"""The name of the pause, in RateLimiter, for which a receiver opens no connection because the service refused one."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The receiver gets events from now on."""

    disconnected_seconds: float | None = None
    """How long it got none, by a monotonic clock; None for the first connection."""
    replays_missed: bool = True
    """Whether the service delivers events of its own accord that were missed during a short gap."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The receiver gets no events at the moment, and is reconnecting."""

    reason: str


@dataclass(frozen=True, slots=True)
class MembershipGained:
    """The bot became a member of a channel."""

    channel_id: ChannelId
    happened_at: datetime | None = field(default=None, compare=False)
    """The time of the change by the service's clock; None if unknown. The event may arrive late or repeatedly."""


@dataclass(frozen=True, slots=True)
class MembershipLost:
    """The bot is no longer a member of a channel, or the channel was archived or deleted."""

    channel_id: ChannelId
    happened_at: datetime | None = field(default=None, compare=False)
    """As in MembershipGained."""


@dataclass(frozen=True, slots=True)
class AccessLost:
    """The chat service has announced that the token is no longer valid, or that another one of the app is not."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChannelIdChanged:
    """A channel has another id from now on."""

    old_id: ChannelId
    new_id: ChannelId


WorkspaceEvent: TypeAlias = InboundEvent | MembershipGained | MembershipLost | ChannelIdChanged | AccessLost
"""Any event that belongs to a workspace."""


@dataclass(frozen=True, slots=True)
class OtherWorkspaceEvent:
    """An event of another workspace, unless its channel is one of the pack's."""

    team_id: str
    event: WorkspaceEvent


ChatEvent: TypeAlias = WorkspaceEvent | OtherWorkspaceEvent | Connected | Disconnected


def is_interaction(event: ChatEvent) -> bool:
    """Whether a person waits for the acknowledgement, which the service requests once."""
    return isinstance(event.event if isinstance(event, OtherWorkspaceEvent) else event, INTERACTIONS)


async def acknowledge_nothing() -> None:
    """The acknowledgement of an event for which the service expects none."""


@dataclass(frozen=True, slots=True)
class IncomingEvent:
    """An event, to be acknowledged once it is stored."""

    event: ChatEvent
    received_at: datetime
    """When the pack received it: UTC, whole milliseconds."""
    acknowledge: Callable[[], Awaitable[None]] = acknowledge_nothing
    """Tells the service not to deliver the event again. Never raises: if the connection is gone by then, the service
    delivers the event again. A second call has no effect."""

    @classmethod
    def received(
        cls, event: ChatEvent, now: datetime, acknowledge: Callable[[], Awaitable[None]] = acknowledge_nothing
    ) -> "IncomingEvent":
        """Returns an event that the pack has received now."""
        return cls(event, now.replace(microsecond=now.microsecond // 1000 * 1000), acknowledge)


class Receiver(Protocol):
    """Receives events from the chat service."""

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[IncomingEvent]]:
        """Connects, and iterates over the events in the order of their arrival; interactions overtake others that wait.

        - No event is acknowledged before its `acknowledge()`. Events that are of no use to the pack are not yielded;
          the receiver acknowledges them itself. Unacknowledged events may arrive again, except interactions, which the
          service never repeats: their users see a failure. Events that a service delivers together, such as several
          actions, are acknowledged to it once all of them are.
        - A slow consumer slows down the reading: at most 1,000 events wait in memory.
        - Broken connections are re-established without end, with growing, jittered pauses; `Connected` and
          `Disconnected` report it. The iterator raises ChatRejected if the service permanently refuses this way of
          receiving (AuthenticationFailed: the token).
        - Leaving the context stops receiving, sends the acknowledgements given so far, and closes.
        """
