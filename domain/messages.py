"""Outgoing messages, which flows send, and incoming messages."""

from dataclasses import dataclass, replace
from typing import NewType, TypeAlias

from domain.channels import ChannelId
from domain.json_values import Json, JsonObject

IdempotencyKey = NewType("IdempotencyKey", str)
"""Travels with a posted message, so that the post can be found again. Opaque, and not a secret."""


@dataclass(frozen=True, slots=True)
class MessageKeys:
    """The names that a flow gives to messages, valid across runs; empty if it gives none."""

    message_key: str = ""
    """The key of the message itself; a message that has the key already is updated."""
    thread_key: str = ""
    """The key of the message in whose thread to post."""


NO_KEYS = MessageKeys()
KEY_FIELDS = ("messageKey", "threadKey")
"""The names of the keys in a rich message."""


def incoming_key(channel_id: str, timestamp: str) -> str:
    """Returns the idempotency key of the message with this timestamp in a channel. Operators use it too."""
    return f"{channel_id}:{timestamp}"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """Plain text for a channel, or for a thread of it."""

    channel_id: ChannelId
    text: str
    thread_timestamp: str = ""
    """The timestamp of the thread's first message; empty for the channel itself."""
    keys: MessageKeys = NO_KEYS


@dataclass(frozen=True, slots=True)
class RichMessage:
    """A message with any of the chat service's own fields, as the flow gave them."""

    fields: JsonObject

    @property
    def channel_id(self) -> ChannelId:
        """The field `channel`: an id, or a name where the service accepts one."""
        return ChannelId(self._string("channel"))

    @property
    def text(self) -> str:
        """The field `text`; empty if there is none."""
        return self._string("text")

    @property
    def thread_timestamp(self) -> str:
        """The field `thread_ts`; empty if there is none."""
        return self._string("thread_ts")

    @property
    def keys(self) -> MessageKeys:
        """The fields `messageKey` and `threadKey`, which are the pack's own."""
        return MessageKeys(self._string("messageKey"), self._string("threadKey"))

    def _string(self, field: str) -> str:
        value = self.fields.get(field)
        return value if isinstance(value, str) else ""


Post: TypeAlias = OutgoingMessage | RichMessage
"""Any message that the pack can post."""


def keys_in_use(message: Post) -> MessageKeys:
    """Returns the keys that apply to a message: an explicit thread takes precedence over a thread key."""
    return replace(message.keys, thread_key="") if message.thread_timestamp else message.keys


def addressed(message: Post, channel_id: ChannelId) -> Post:
    """Returns the message with another name of its channel."""
    if isinstance(message, OutgoingMessage):
        return replace(message, channel_id=channel_id)
    return RichMessage(message.fields | {"channel": channel_id})


def in_thread(message: Post, timestamp: str) -> Post:
    """Returns the message in a thread; for an empty timestamp in none."""
    if isinstance(message, OutgoingMessage):
        return replace(message, thread_timestamp=timestamp)
    return RichMessage(message.fields | {"thread_ts": timestamp or None})


@dataclass(frozen=True, slots=True)
class Receipt:
    """Confirmation that the chat service has accepted a message."""

    channel_id: ChannelId
    timestamp: str
    in_doubt: bool = False
    """The message was sent a second time because the fate of the first attempt could not be determined."""
    is_updated: bool = False
    """A message that existed already was changed."""


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message that was looked up."""

    text: str
    thread_timestamp: str = ""
    """The timestamp of the thread; empty outside threads."""


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A new message in the chat service, by anyone."""

    channel_id: ChannelId
    timestamp: str
    """Unique in its channel."""
    text: str
    user_id: str = ""
    """The author's id; empty for some bots' messages."""
    bot_id: str = ""
    """The bot or app through which it was posted; empty for what people write in the service itself."""
    bot_name: str = ""
    """The author's name that a bot's message carries."""
    thread_timestamp: str = ""
    """The timestamp of the thread's first message; empty outside threads."""
    is_automated: bool = False
    """Whether a program certainly wrote the message, whoever its user is."""
    is_direct: bool = False
    """A direct message to the bot."""
    reply_count: int = 0
    replies: tuple[Json, ...] = ()
    channel_type: str = ""
    """`channel`, `group`, `im` or `mpim`; empty if unknown."""
    files: tuple[Json, ...] = ()
    """`{id, name, title, mimetype, size, url, permalink}` of each file."""
    is_mention: bool = False
    """Whether the text mentions the bot."""
    team_id: str = ""

    @property
    def key(self) -> str:
        """Identifies the message when the service delivers it again."""
        return incoming_key(self.channel_id, self.timestamp)

    @property
    def is_from_bot(self) -> bool:
        """Whether a program certainly wrote the message."""
        return self.is_automated or not self.user_id

    @property
    def may_be_from_bot(self) -> bool:
        """Whether the message may be a bot's or a person's through an app, which only a look-up of the user tells."""
        return bool(self.bot_id) and not self.is_from_bot
