"""The state of the in-memory chat service: channels, people and messages, and people's changes to it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from application.ports.clock import Clock
from application.ports.receiver import ChatEvent, MembershipGained, MembershipLost
from domain.channels import ChannelId, ChannelInfo
from domain.errors import ChannelInaccessible, ChatRejected
from domain.json_values import JsonObject
from domain.messages import IdempotencyKey, IncomingMessage, Post
from domain.users import Identity, User

Listener: TypeAlias = Callable[[ChatEvent], None]


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """A message that the pack has posted."""

    message: Post
    timestamp: str
    key: IdempotencyKey | None


@dataclass(slots=True)
class Channel:
    """A conversation and its messages."""

    id: ChannelId
    name: str
    is_private: bool
    is_general: bool
    has_bot: bool
    topic: str = ""
    is_archived: bool = False
    messages: list[IncomingMessage] = field(default_factory=list)
    fields: dict[str, JsonObject] = field(default_factory=dict)
    """The current fields of the pack's messages, by timestamp."""
    keys: dict[str, IdempotencyKey] = field(default_factory=dict)
    """By timestamp."""

    @property
    def is_direct(self) -> bool:
        """Whether it is a conversation of one person with the bot."""
        return is_direct(self.id)

    @property
    def is_visible(self) -> bool:
        """Whether the bot may know of it."""
        return self.has_bot or not self.is_private

    @property
    def info(self) -> ChannelInfo:
        """Returns its description."""
        return ChannelInfo(self.id, self.name, self.topic)

    def find(self, timestamp: str) -> IncomingMessage | None:
        """Returns the message with a timestamp; None if there is none."""
        return next((message for message in self.messages if message.timestamp == timestamp), None)

    def set_text(self, message: IncomingMessage, text: str) -> None:
        """Changes the text of one of the messages."""
        self.messages[self.messages.index(message)] = replace(message, text=text)

    def remove(self, message: IncomingMessage) -> None:
        """Removes one of the messages."""
        self.messages.remove(message)
        self.fields.pop(message.timestamp, None)
        self.keys.pop(message.timestamp, None)


class ChatState:
    """Channels, people and messages. `listeners` get the events that an app in Slack would get."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._channels: dict[ChannelId, Channel] = {}
        self._users: dict[str, User] = {}
        self._last_microsecond = 0
        self._ids = 0
        self.identity = Identity("UFLYTE", "BFLYTE", "T1")
        self.listeners: list[Listener] = []
        self.history_behind_seconds = 0.0
        """How long messages take to appear in the history."""
        self.posts: list[PostedMessage] = []
        """The pack's posts, in order."""
        self.unseen_seconds = 0.0
        """How long `find_posted` does not find a new message."""
        self.clock_offset_seconds = 0.0
        """How far the service's clock is ahead of the pack's."""

    # People's side

    def add_user(self, user: User) -> None:
        """Adds a person to the workspace."""
        self._users[user.id] = user

    def add_channel(
        self,
        channel_id: str,
        *,
        name: str = "",
        topic: str = "",
        is_private: bool = False,
        is_general: bool = False,
        has_bot: bool = False,
    ) -> ChannelId:
        """Adds a channel or direct messages, with or without the bot, and without an event.

        Without a name the channel is named by its id, in lower case.
        """
        channel = Channel(ChannelId(channel_id), name or channel_id.lower(), is_private, is_general, has_bot, topic)
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

    def messages(self, channel_id: str) -> list[IncomingMessage]:
        """Returns the messages of a channel and its threads as they are at the moment, oldest first."""
        return list(self._channel(ChannelId(channel_id)).messages)

    def fields_of(self, channel_id: str, timestamp: str) -> JsonObject | None:
        """Returns the current fields of one of the pack's messages; None if it is gone."""
        return self._channel(ChannelId(channel_id)).fields.get(timestamp)

    # For the parts of Chat

    def now(self) -> datetime:
        """Implements Chat."""
        return self._clock.now() + timedelta(seconds=self.clock_offset_seconds)

    def _channel(self, channel_id: ChannelId) -> Channel:
        if channel_id not in self._channels:
            raise ChannelInaccessible(
                "channel_not_found", f"there is no channel {channel_id}; check the id", channel_id
            )
        return self._channels[channel_id]

    def _readable(self, channel_id: ChannelId) -> Channel:
        channel = self._channel(channel_id)
        if not channel.has_bot:
            advice = "send JoinChannel first, or /invite the bot"
            raise ChannelInaccessible(
                "not_in_channel", f"the bot is not a member of {channel_id}; {advice}", channel_id
            )
        return channel

    def _writable(self, channel_id: ChannelId) -> Channel:
        channel = self._readable(channel_id)
        if channel.is_archived:
            raise ChannelInaccessible("is_archived", f"{channel_id} is archived; unarchive it first", channel_id)
        return channel

    def _user(self, user_id: str) -> User:
        if user_id not in self._users:
            raise ChatRejected("user_not_found", f"there is no user {user_id}; check the id")
        return self._users[user_id]

    def _add_bot(self, channel: Channel) -> None:
        if not channel.has_bot:
            channel.has_bot = True
            self._emit(MembershipGained(channel.id, self.now()))

    def _remove_bot(self, channel: Channel) -> None:
        if channel.has_bot:
            channel.has_bot = False
            self._emit(MembershipLost(channel.id, self.now()))

    def _add(self, channel: Channel, message: IncomingMessage) -> None:
        channel.messages.append(message)
        if channel.has_bot:
            self._emit(message)

    def _add_own(self, channel: Channel, fields: JsonObject, timestamp: str) -> None:
        """Adds a message of the pack."""
        bot = self.identity
        channel.fields[timestamp] = fields
        text, thread = str(fields.get("text") or ""), str(fields.get("thread_ts") or "")
        self._add(
            channel,
            IncomingMessage(channel.id, timestamp, text, bot.user_id, bot.bot_id, thread_timestamp=thread),
        )

    def _emit(self, event: ChatEvent) -> None:
        for listener in self.listeners:
            listener(event)

    def _next_timestamp(self) -> str:
        now = int(self.now().timestamp() * 1_000_000)
        self._last_microsecond = max(now, self._last_microsecond + 1)
        return f"{self._last_microsecond // 1_000_000}.{self._last_microsecond % 1_000_000:06}"

    def _new_id(self, letter: str) -> str:
        self._ids += 1
        return f"{letter}{self._ids:08}"


def is_direct(channel_id: ChannelId) -> bool:
    """Whether this is the id of a conversation of one person with the bot."""
    return channel_id.startswith("D")
