"""The chat service: posting, memberships, users and history."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from application.ports.directory import Directory
from application.ports.files import Files
from application.ports.message_changes import MessageChanges
from application.ports.views import Views
from domain.channels import ChannelId
from domain.messages import IdempotencyKey, IncomingMessage, Post, Receipt
from domain.users import Identity, User


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the history of a channel or a thread, in no particular order."""

    messages: tuple[IncomingMessage, ...]
    """New messages only: no edits, deletions or joins."""
    threads: tuple[str, ...] = ()
    """The timestamps of those messages that have replies."""
    next_cursor: str = ""
    """Requests the next page; empty on the last page."""


class Chat(MessageChanges, Views, Files, Directory, Protocol):
    """The chat service. No method waits for a better moment or repeats a request.

    Every coroutine can raise ChatRejected (permanent), AuthenticationFailed (the token), RateLimited and Unreachable
    (retry later, nothing took effect). Those that say so raise InDoubt; all others are safe to repeat, and a lost
    answer is Unreachable. Cancelling a call closes its connection; whether the request took effect is then unknown.
    """

    history_lag_seconds: float
    """How long after a post `find_posted` may fail to find it."""

    def now(self) -> datetime:
        """Returns the current time by the service's clock (UTC), as far as its answers have told.

        Timestamps of messages have to be compared with this time. A step of the pack's own clock has no effect on it,
        except before the first answer, when it is the pack's own time. Precise to about a second.
        """

    def validate(self, message: Post) -> None:
        """Raises ChatRejected for a message that the service would alter, such as one with too long a text."""

    def carries_key(self, message: Post) -> bool:
        """Returns whether the message can carry an idempotency key."""

    def is_direct(self, channel_id: ChannelId) -> bool:
        """Returns whether this is a conversation of one person with the bot, which needs no joining."""

    async def identify(self) -> Identity:
        """Returns the pack's own user."""

    async def post(self, message: Post, key: IdempotencyKey | None) -> Receipt:
        """Posts a message, with the idempotency key if one is given. Returns once the service has accepted it.

        Raises IdempotencyKeyRejected if the service rejects the key, and InDoubt if the request was sent and no answer
        tells whether the message was posted.
        """

    async def join(self, channel_id: ChannelId) -> None:
        """Makes the bot a member. No effect if it is one already, or has been invited."""

    async def leave(self, channel_id: ChannelId) -> None:
        """Ends the bot's membership. No effect if it is not a member."""

    async def memberships(self) -> frozenset[ChannelId]:
        """Returns the bot's public and private channels, without archived ones and direct messages."""

    async def is_member(self, channel_id: ChannelId) -> bool:
        """Returns whether the channel exists, is not archived, and has the bot as a member.

        Raises ChatRejected if the service does not tell.
        """

    def knows_user(self, user_id: str) -> bool:
        """Returns whether `look_up` would answer without a request."""

    async def look_up(self, user_id: str) -> User:
        """Returns a user. Simultaneous look-ups of one user share a request; answers are cached for a while."""

    async def find_posted(self, message: Post, key: IdempotencyKey, since: datetime) -> Receipt | None:
        """Searches the history since then for the message that carries the key. Returns None if there is none.

        Raises ChatRejected if the history can't be read, so that the question stays open.
        """

    async def history(self, channel_id: ChannelId, after: str, until: str = "", cursor: str = "") -> Page:
        """Returns a page of a channel's messages after the timestamp `after` and before `until` (empty: now).

        `cursor` is from the page before.
        """

    async def replies(
        self, channel_id: ChannelId, thread_timestamp: str, after: str, until: str = "", cursor: str = ""
    ) -> Page:
        """Returns a page of a thread's messages, without its first message; like `history`."""
