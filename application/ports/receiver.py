"""Events from the chat service, as they happen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from domain.channels import ChannelId
from domain.messages import IncomingMessage


@dataclass(frozen=True, slots=True)
class Connected:
    """The receiver hears from now on."""

    disconnected_since: datetime | None = None
    """Since when nothing could be heard; None for the first connection."""
    replays_missed: bool = True
    """Whether the service delivers of its own accord, after a short gap, what was said meanwhile."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The receiver hears nothing at the moment, and is trying to."""

    reason: str


@dataclass(frozen=True, slots=True)
class MembershipGained:
    """The bot became a member of a channel."""

    channel_id: ChannelId
    happened_at: datetime | None = field(default=None, compare=False)
    """By the service's clock; None: it does not say. Such news can come late, and again."""


@dataclass(frozen=True, slots=True)
class MembershipLost:
    """The bot is no longer a member of a channel, or the channel is archived or gone."""

    channel_id: ChannelId
    happened_at: datetime | None = field(default=None, compare=False)
    """As with MembershipGained."""


@dataclass(frozen=True, slots=True)
class AccessLost:
    """The chat service says that the pack's token is no longer good."""

    reason: str


ChatEvent: TypeAlias = IncomingMessage | MembershipGained | MembershipLost | AccessLost | Connected | Disconnected


@dataclass(frozen=True, slots=True)
class IncomingEvent:
    """One thing heard, to be acknowledged when it is safe."""

    event: ChatEvent
    received_at: datetime
    """When the pack got it, in UTC, in whole milliseconds."""
    acknowledge: Callable[[], Awaitable[None]]
    """Tell the service that it need not deliver this again. Never raises: a connection that is gone by then is the
    service's cue to deliver again. Calling it a second time does nothing."""


class Receiver(Protocol):
    """The ear: what is said in the chat service, as it is said."""

    def events(self) -> AbstractAsyncContextManager[AsyncIterator[IncomingEvent]]:
        """Open the ear, and iterate over what is heard, in the order of hearing.

        - Nothing is acknowledged before `acknowledge()` of its arrival; what is of no use to the pack is not an
          arrival and is acknowledged by the receiver. What was not acknowledged may arrive again.
        - A consumer that does not ask for more holds up the reading: at most 1,000 arrivals wait in memory.
        - Connections that end are made anew with growing, jittered pauses, without end; `Connected` and
          `Disconnected` tell of it. The iterator raises Refused when the service says for good that this pack may
          not listen in this way (AuthenticationFailed: the token).
        - Leaving the context stops the hearing, sends the acknowledgements given so far, and closes.
        """
