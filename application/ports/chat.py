"""What the pack needs from a chat service: speaking, membership, people, and hearing what is said."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from domain.channels import ChannelId
from domain.messages import Mark, Message, Receipt, RichMessage, Said
from domain.users import Identity, User


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a channel's or a thread's past, in no particular order."""

    messages: tuple[Said, ...]
    """New messages only: no edits, deletions, joins."""
    threads: tuple[str, ...] = ()
    """The timestamps of those messages that have replies."""
    next_cursor: str = ""
    """Asks for the next page; empty when this is the last."""


class Chat(Protocol):
    """The chat service, asked once: no method waits for a better moment or repeats a request.

    Every method can raise Refused (permanent), AuthenticationFailed (the token), RateLimited and Unreachable (ask
    again later, nothing took effect). Only `post` raises InDoubt; for all others a repeat does no harm, and a lost
    answer is Unreachable. Cancelling a method closes its connection; whether the request took effect is then unknown.
    """

    async def identify(self) -> Identity:
        """Who the pack is in the chat service."""

    async def post(self, message: Message | RichMessage, mark: Mark | None) -> Receipt:
        """Post the message, and return where it stands once the service took it.

        `mark` goes into the message's metadata, unless the message brings metadata of its own. None: no mark.
        InDoubt: the request went out, and no answer tells whether the message stands now.
        """

    async def join(self, channel_id: ChannelId) -> None:
        """Become a member. Returns when the bot is one: also when it was before, and when it was invited."""

    async def leave(self, channel_id: ChannelId) -> None:
        """Stop being a member. Returns when the bot is none: also when it was none before."""

    async def memberships(self) -> frozenset[ChannelId]:
        """The channels, public and private, not archived, of which the bot is a member. No direct messages."""

    async def is_member(self, channel_id: ChannelId) -> bool:
        """Whether the bot is a member of that channel, and the channel is neither archived nor gone."""

    async def look_up(self, user_id: str) -> User:
        """That user. Simultaneous look-ups of one user are one request; answers are kept for a while."""

    async def find(self, message: Message | RichMessage, mark: Mark, since: datetime) -> Receipt | None:
        """The message that carries the mark and was posted after `since`, or None when there is none.

        Refused: the history can't be read, so that nobody can tell.
        """

    async def history(self, channel_id: ChannelId, after: str, cursor: str = "") -> Page:
        """One page of what was said in the channel itself after the timestamp `after`;
        `cursor` is from the page before.
        """

    async def replies(self, channel_id: ChannelId, thread_timestamp: str, after: str, cursor: str = "") -> Page:
        """One page of what was said in a thread after `after`, without its first message."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The receiver hears from now on."""

    deaf_since: datetime | None = None
    """Since when nothing could be heard; None for the first connection."""
    is_redelivered: bool = True
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


ChatEvent: TypeAlias = Said | MembershipGained | MembershipLost | AccessLost | Connected | Disconnected


@dataclass(frozen=True, slots=True)
class Arrival:
    """One thing heard, to be acknowledged when it is safe."""

    event: ChatEvent
    received_at: datetime
    """When the pack got it, in UTC, in whole milliseconds."""
    acknowledge: Callable[[], Awaitable[None]]
    """Tell the service that it need not deliver this again. Never raises: a connection that is gone by then is the
    service's cue to deliver again. Calling it a second time does nothing."""


class Receiver(Protocol):
    """The ear: what is said in the chat service, as it is said."""

    def listen(self) -> AbstractAsyncContextManager[AsyncIterator[Arrival]]:
        """Open the ear, and iterate over what is heard, in the order of hearing.

        - Nothing is acknowledged before `acknowledge()` of its arrival; what is of no use to the pack is not an
          arrival and is acknowledged by the receiver. What was not acknowledged may arrive again.
        - A consumer that does not ask for more holds up the reading: at most 1,000 arrivals wait in memory.
        - Connections that end are made anew with growing, jittered pauses, without end; `Connected` and
          `Disconnected` tell of it. The iterator raises Refused when the service says for good that this pack may
          not listen in this way (AuthenticationFailed: the token).
        - Leaving the context stops the hearing, sends the acknowledgements given so far, and closes.
        """
