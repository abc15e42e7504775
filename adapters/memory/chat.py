"""A chat service of one process: channels, people and what they say, forgotten at exit."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from application.ports.chat import Page
from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, MembershipGained, MembershipLost
from domain.channels import ChannelId
from domain.errors import ChatRejected
from domain.messages import IdempotencyKey, IncomingMessage, OutgoingMessage, Receipt, RichMessage
from domain.users import Identity, User

_PAGE_SIZE = 200
Listener: TypeAlias = Callable[[ChatEvent], None]


@dataclass(frozen=True, slots=True)
class Posted:
    """A message of the pack's, as it stands."""

    message: OutgoingMessage | RichMessage
    timestamp: str
    mark: IdempotencyKey | None


@dataclass(slots=True)
class _Channel:
    id: ChannelId
    is_private: bool
    is_general: bool
    has_bot: bool
    is_archived: bool = False
    said: list[IncomingMessage] = field(default_factory=list)
    marks: dict[str, IdempotencyKey] = field(default_factory=dict)
    """By timestamp."""

    @property
    def is_direct(self) -> bool:
        return self.id.startswith("D")


class MemoryChat:
    """Chat in memory, and what people do in it. Whoever listens (`listeners`) hears it as Slack's app would.

    Ids of direct messages begin with `D`, as Slack's do.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._channels: dict[ChannelId, _Channel] = {}
        self._users: dict[str, User] = {}
        self._last_microsecond = 0
        self.identity = Identity("UFLYTE", "BFLYTE", "T1")
        self.listeners: list[Listener] = []
        self.posts: list[Posted] = []
        """What the pack posted, in order."""

    # What people do

    def add_user(self, user: User) -> None:
        """Let somebody into the workspace."""
        self._users[user.id] = user

    def add_channel(
        self, channel_id: str, *, is_private: bool = False, is_general: bool = False, has_bot: bool = False
    ) -> ChannelId:
        """Open a channel, or direct messages; the bot is in it or not, and nobody is told."""
        channel = _Channel(ChannelId(channel_id), is_private, is_general, has_bot)
        self._channels[channel.id] = channel
        return channel.id

    def say(self, channel_id: str, text: str, user_id: str = "U1", **more: str) -> IncomingMessage:
        """Say something as somebody; `more`: other fields of Said, `thread_timestamp` above all.

        The bot hears it where it is a member.
        """
        channel = self._channel(ChannelId(channel_id))
        said = IncomingMessage(channel.id, self._next_timestamp(), text, user_id, is_direct=channel.is_direct)
        said = replace(said, **more)  # type: ignore[arg-type] # texts only
        self._state(channel, said)
        return said

    def invite(self, channel_id: str) -> None:
        """Bring the bot into a channel."""
        self._let_in(self._channel(ChannelId(channel_id)))

    def remove(self, channel_id: str) -> None:
        """Take the bot out of a channel."""
        self._let_out(self._channel(ChannelId(channel_id)))

    def archive(self, channel_id: str) -> None:
        """Close a channel for good."""
        channel = self._channel(ChannelId(channel_id))
        channel.is_archived = True
        self._tell(MembershipLost(channel.id, self._clock.now()))

    # Chat

    async def identify(self) -> Identity:
        return self.identity

    async def post(self, message: OutgoingMessage | RichMessage, mark: IdempotencyKey | None) -> Receipt:
        channel = self._writable(message.channel_id)
        if isinstance(message, RichMessage) and message.fields.get("metadata"):
            mark = None
        timestamp = self._next_timestamp()
        if mark is not None:
            channel.marks[timestamp] = mark
        self.posts.append(Posted(message, timestamp, mark))
        thread, itself = message.thread_timestamp, self.identity
        self._state(
            channel, IncomingMessage(channel.id, timestamp, message.text, itself.user_id, itself.bot_id, "", thread)
        )
        return Receipt(channel.id, timestamp)

    async def join(self, channel_id: ChannelId) -> None:
        channel = self._channel(channel_id)
        if channel.is_archived:
            raise ChatRejected("is_archived", f"{channel_id} is archived; unarchive it first")
        if channel.is_private and not channel.has_bot:
            raise ChatRejected("method_not_supported_for_channel_type", f"{channel_id} is private; invite the bot")
        self._let_in(channel)

    async def leave(self, channel_id: ChannelId) -> None:
        channel = self._channel(channel_id)
        if channel.is_general and channel.has_bot:
            raise ChatRejected("cant_leave_general", f"nobody can leave {channel_id}, the general channel")
        self._let_out(channel)

    async def memberships(self) -> frozenset[ChannelId]:
        open_channels = (channel for channel in self._channels.values() if not channel.is_archived)
        return frozenset(channel.id for channel in open_channels if channel.has_bot and not channel.is_direct)

    async def is_member(self, channel_id: ChannelId) -> bool:
        channel = self._channels.get(channel_id)
        return channel is not None and channel.has_bot and not channel.is_archived

    async def look_up(self, user_id: str) -> User:
        if user_id not in self._users:
            raise ChatRejected("user_not_found", f"there is no user {user_id}; check the id")
        return self._users[user_id]

    async def find_posted(
        self, message: OutgoingMessage | RichMessage, mark: IdempotencyKey, since: datetime
    ) -> Receipt | None:
        channel = self._readable(message.channel_id)
        for timestamp, found in channel.marks.items():
            if found == mark and timestamp > f"{since.timestamp():.6f}":
                return Receipt(channel.id, timestamp)
        return None

    async def history(self, channel_id: ChannelId, after: str, cursor: str = "") -> Page:
        said = self._readable(channel_id).said
        threads = {message.thread_timestamp for message in said if message.thread_timestamp}
        listed = [message for message in said if not message.thread_timestamp and message.timestamp > after]
        page = _page(listed, cursor)
        return replace(page, threads=tuple(found.timestamp for found in page.messages if found.timestamp in threads))

    async def replies(self, channel_id: ChannelId, thread_timestamp: str, after: str, cursor: str = "") -> Page:
        said = self._readable(channel_id).said
        in_thread = (message for message in said if message.thread_timestamp == thread_timestamp)
        return _page([message for message in in_thread if message.timestamp > after], cursor)

    def _channel(self, channel_id: ChannelId) -> _Channel:
        if channel_id not in self._channels:
            raise ChatRejected("channel_not_found", f"there is no channel {channel_id}; check the id")
        return self._channels[channel_id]

    def _readable(self, channel_id: ChannelId) -> _Channel:
        channel = self._channel(channel_id)
        if not channel.has_bot:
            advice = "send JoinChannel first, or /invite the bot"
            raise ChatRejected("not_in_channel", f"the bot is not a member of {channel_id}; {advice}")
        return channel

    def _writable(self, channel_id: ChannelId) -> _Channel:
        channel = self._readable(channel_id)
        if channel.is_archived:
            raise ChatRejected("is_archived", f"{channel_id} is archived; unarchive it first")
        return channel

    def _let_in(self, channel: _Channel) -> None:
        if not channel.has_bot:
            channel.has_bot = True
            self._tell(MembershipGained(channel.id, self._clock.now()))

    def _let_out(self, channel: _Channel) -> None:
        if channel.has_bot:
            channel.has_bot = False
            self._tell(MembershipLost(channel.id, self._clock.now()))

    def _state(self, channel: _Channel, said: IncomingMessage) -> None:
        channel.said.append(said)
        if channel.has_bot:
            self._tell(said)

    def _tell(self, event: ChatEvent) -> None:
        for listener in self.listeners:
            listener(event)

    def _next_timestamp(self) -> str:
        now = int(self._clock.now().timestamp() * 1_000_000)
        self._last_microsecond = max(now, self._last_microsecond + 1)
        return f"{self._last_microsecond // 1_000_000}.{self._last_microsecond % 1_000_000:06}"


def _page(messages: list[IncomingMessage], cursor: str) -> Page:
    start = int(cursor or 0)
    end = start + _PAGE_SIZE
    return Page(tuple(messages[start:end]), next_cursor=str(end) if end < len(messages) else "")
