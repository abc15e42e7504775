"""What the pack needs from a chat service: speaking, membership, people, and hearing what is said."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.channels import ChannelId
from domain.messages import IdempotencyKey, IncomingMessage, OutgoingMessage, Receipt, RichMessage
from domain.users import Identity, User


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a channel's or a thread's past, in no particular order."""

    messages: tuple[IncomingMessage, ...]
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

    async def post(self, message: OutgoingMessage | RichMessage, mark: IdempotencyKey | None) -> Receipt:
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

    async def find_posted(
        self, message: OutgoingMessage | RichMessage, mark: IdempotencyKey, since: datetime
    ) -> Receipt | None:
        """The message that carries the mark and was posted after `since`, or None when there is none.

        Refused: the history can't be read, so that nobody can tell.
        """

    async def history(self, channel_id: ChannelId, after: str, cursor: str = "") -> Page:
        """One page of what was said in the channel itself after the timestamp `after`;
        `cursor` is from the page before.
        """

    async def replies(self, channel_id: ChannelId, thread_timestamp: str, after: str, cursor: str = "") -> Page:
        """One page of what was said in a thread after `after`, without its first message."""
