"""A chat service within the process: channels, people and messages, forgotten at exit."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from application.ports.chat import Page
from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, MembershipGained, MembershipLost
from domain.channels import ChannelId
from domain.errors import ChannelInaccessible, ChatRejected
from domain.messages import IdempotencyKey, IncomingMessage, OutgoingMessage, Post, Receipt, RichMessage
from domain.users import Identity, User

_PAGE_SIZE = 200
_MAX_TEXT_LENGTH = 40_000
Listener: TypeAlias = Callable[[ChatEvent], None]


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """A message that the pack has posted."""

    message: Post
    timestamp: str
    key: IdempotencyKey | None


@dataclass(slots=True)
class _Channel:
    id: ChannelId
    is_private: bool
    is_general: bool
    has_bot: bool
    is_archived: bool = False
    messages: list[IncomingMessage] = field(default_factory=list)
    keys: dict[str, IdempotencyKey] = field(default_factory=dict)
    """By timestamp."""

    @property
    def is_direct(self) -> bool:
        return _is_direct(self.id)


class MemoryChat:
    """Implements Chat, with the people's side of it. `listeners` get the events that an app in Slack would get.

    Behaves like Slack: ids of direct messages begin with `D`, texts of more than 40,000 characters are rejected.
    """

    history_lag_seconds = 5.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._channels: dict[ChannelId, _Channel] = {}
        self._users: dict[str, User] = {}
        self._last_microsecond = 0
        self.identity = Identity("UFLYTE", "BFLYTE", "T1")
        self.listeners: list[Listener] = []
        self.history_behind_seconds = 0.0
        """How long messages take to appear in the history."""
        self.posts: list[PostedMessage] = []
        """What the pack has posted, in order."""
        self.unseen_seconds = 0.0
        """How long `find_posted` does not find a new message."""
        self.clock_offset_seconds = 0.0
        """How far the service's clock is ahead of the pack's."""

    # People's side

    def add_user(self, user: User) -> None:
        """Adds a person to the workspace."""
        self._users[user.id] = user

    def add_channel(
        self, channel_id: str, *, is_private: bool = False, is_general: bool = False, has_bot: bool = False
    ) -> ChannelId:
        """Adds a channel or direct messages, with or without the bot, and without an event."""
        channel = _Channel(ChannelId(channel_id), is_private, is_general, has_bot)
        self._channels[channel.id] = channel
        return channel.id

    def say(self, channel_id: str, text: str, user_id: str = "U1", **more: str | bool) -> IncomingMessage:
        """Posts a message as a person; `more` are other fields of IncomingMessage, such as `thread_timestamp`.

        The bot receives it where it is a member.
        """
        channel = self._channel(ChannelId(channel_id))
        message = IncomingMessage(channel.id, self._next_timestamp(), text, user_id, is_direct=channel.is_direct)
        message = replace(message, **more)  # type: ignore[arg-type] # as the caller types them
        self._add(channel, message)
        return message

    def invite(self, channel_id: str) -> None:
        """Invites the bot to a channel."""
        self._add_bot(self._channel(ChannelId(channel_id)))

    def remove(self, channel_id: str) -> None:
        """Removes the bot from a channel."""
        self._remove_bot(self._channel(ChannelId(channel_id)))

    def archive(self, channel_id: str) -> None:
        """Archives a channel."""
        channel = self._channel(ChannelId(channel_id))
        channel.is_archived = True
        self._emit(MembershipLost(channel.id, self.now()))

    # Chat

    def now(self) -> datetime:
        return self._clock.now() + timedelta(seconds=self.clock_offset_seconds)

    def validate(self, message: Post) -> None:
        if len(message.text) > _MAX_TEXT_LENGTH:
            explanation = f"the text has {len(message.text)} characters; at most {_MAX_TEXT_LENGTH} are allowed"
            raise ChatRejected("msg_too_long", explanation)

    def carries_key(self, message: Post) -> bool:
        return not (isinstance(message, RichMessage) and message.fields.get("metadata") is not None)

    def is_direct(self, channel_id: ChannelId) -> bool:
        return _is_direct(channel_id)

    async def identify(self) -> Identity:
        return self.identity

    async def post(self, message: Post, key: IdempotencyKey | None) -> Receipt:
        channel = self._writable(message.channel_id)
        timestamp = self._next_timestamp()
        if key is not None and self.carries_key(message):
            channel.keys[timestamp] = key
        self.posts.append(PostedMessage(message, timestamp, channel.keys.get(timestamp)))
        bot, thread = self.identity, _thread_of(message)
        self._add(
            channel,
            IncomingMessage(channel.id, timestamp, message.text, bot.user_id, bot.bot_id, thread_timestamp=thread),
        )
        return Receipt(channel.id, timestamp)

    async def join(self, channel_id: ChannelId) -> None:
        channel = self._channel(channel_id)
        if channel.is_archived:
            raise ChannelInaccessible("is_archived", f"{channel_id} is archived; unarchive it first", channel_id)
        if channel.is_private and not channel.has_bot:
            raise ChatRejected("method_not_supported_for_channel_type", f"{channel_id} is private; invite the bot")
        self._add_bot(channel)

    async def leave(self, channel_id: ChannelId) -> None:
        channel = self._channel(channel_id)
        if channel.is_general and channel.has_bot:
            raise ChatRejected("cant_leave_general", f"{channel_id} is the general channel, which can't be left")
        self._remove_bot(channel)

    async def memberships(self) -> frozenset[ChannelId]:
        open_channels = (channel for channel in self._channels.values() if not channel.is_archived)
        return frozenset(channel.id for channel in open_channels if channel.has_bot and not channel.is_direct)

    async def is_member(self, channel_id: ChannelId) -> bool:
        channel = self._channels.get(channel_id)
        return channel is not None and channel.has_bot and not channel.is_archived

    def knows_user(self, user_id: str) -> bool:
        return user_id in self._users

    async def look_up(self, user_id: str) -> User:
        if user_id not in self._users:
            raise ChatRejected("user_not_found", f"there is no user {user_id}; check the id")
        return self._users[user_id]

    async def find_posted(self, message: Post, key: IdempotencyKey, since: datetime) -> Receipt | None:
        channel = self._readable(message.channel_id)
        for timestamp, found in channel.keys.items():
            if found == key and timestamp > f"{since.timestamp():.6f}" and not self._is_unseen(timestamp):
                return Receipt(channel.id, timestamp)
        return None

    async def history(self, channel_id: ChannelId, after: str, until: str = "", cursor: str = "") -> Page:
        messages = self._history(channel_id)
        threads = {message.thread_timestamp for message in messages if message.thread_timestamp}
        listed = [message for message in _between(messages, after, until) if not message.thread_timestamp]
        page = _page(listed, cursor)
        return replace(page, threads=tuple(found.timestamp for found in page.messages if found.timestamp in threads))

    async def replies(
        self, channel_id: ChannelId, thread_timestamp: str, after: str, until: str = "", cursor: str = ""
    ) -> Page:
        messages = _between(self._history(channel_id), after, until)
        return _page([message for message in messages if message.thread_timestamp == thread_timestamp], cursor)

    def _channel(self, channel_id: ChannelId) -> _Channel:
        if channel_id not in self._channels:
            raise ChannelInaccessible(
                "channel_not_found", f"there is no channel {channel_id}; check the id", channel_id
            )
        return self._channels[channel_id]

    def _readable(self, channel_id: ChannelId) -> _Channel:
        channel = self._channel(channel_id)
        if not channel.has_bot:
            advice = "send JoinChannel first, or /invite the bot"
            raise ChannelInaccessible(
                "not_in_channel", f"the bot is not a member of {channel_id}; {advice}", channel_id
            )
        return channel

    def _history(self, channel_id: ChannelId) -> list[IncomingMessage]:
        messages = self._readable(channel_id).messages
        if not self.history_behind_seconds:
            return messages
        return _between(messages, "", f"{self.now().timestamp() - self.history_behind_seconds:.6f}")

    def _writable(self, channel_id: ChannelId) -> _Channel:
        channel = self._readable(channel_id)
        if channel.is_archived:
            raise ChannelInaccessible("is_archived", f"{channel_id} is archived; unarchive it first", channel_id)
        return channel

    def _is_unseen(self, timestamp: str) -> bool:
        return self.now().timestamp() - float(timestamp) < self.unseen_seconds and self.unseen_seconds > 0

    def _add_bot(self, channel: _Channel) -> None:
        if not channel.has_bot:
            channel.has_bot = True
            self._emit(MembershipGained(channel.id, self.now()))

    def _remove_bot(self, channel: _Channel) -> None:
        if channel.has_bot:
            channel.has_bot = False
            self._emit(MembershipLost(channel.id, self.now()))

    def _add(self, channel: _Channel, message: IncomingMessage) -> None:
        channel.messages.append(message)
        if channel.has_bot:
            self._emit(message)

    def _emit(self, event: ChatEvent) -> None:
        for listener in self.listeners:
            listener(event)

    def _next_timestamp(self) -> str:
        now = int(self.now().timestamp() * 1_000_000)
        self._last_microsecond = max(now, self._last_microsecond + 1)
        return f"{self._last_microsecond // 1_000_000}.{self._last_microsecond % 1_000_000:06}"


def _between(messages: list[IncomingMessage], after: str, until: str) -> list[IncomingMessage]:
    return [message for message in messages if after < message.timestamp and (not until or message.timestamp < until)]


def _page(messages: list[IncomingMessage], cursor: str) -> Page:
    start = int(cursor or 0)
    end = start + _PAGE_SIZE
    return Page(tuple(messages[start:end]), next_cursor=str(end) if end < len(messages) else "")


def _is_direct(channel_id: ChannelId) -> bool:
    return channel_id.startswith("D")


def _thread_of(message: Post) -> str:
    return (
        message.thread_timestamp if isinstance(message, OutgoingMessage) else str(message.fields.get("thread_ts") or "")
    )
