"""Messages: the ones that flows send, and the ones that people say."""

from dataclasses import dataclass
from typing import NewType

from domain.channels import ChannelId
from domain.json_values import Json, JsonObject
from domain.users import Identity

MAX_TEXT_LENGTH = 40_000
"""Characters. Slack cuts what is longer without saying so (docs of `chat.postMessage`, "Truncating content")."""

IdempotencyKey = NewType("IdempotencyKey", str)
"""What a posted message carries in its metadata, so that it can be found again. Opaque, without a secret."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A plain text for one channel, or for one thread of it."""

    channel_id: ChannelId
    text: str
    thread_timestamp: str = ""
    """The `ts` of the thread's first message; empty for the channel itself."""


@dataclass(frozen=True, slots=True)
class RichMessage:
    """A message with any field of Slack's `chat.postMessage`, as the flow gave them."""

    fields: JsonObject

    @property
    def channel_id(self) -> ChannelId:
        """The field `channel`: an id, or a name where Slack takes one."""
        return ChannelId(self._string("channel"))

    @property
    def text(self) -> str:
        """The field `text`, empty when there is none."""
        return self._string("text")

    @property
    def thread_timestamp(self) -> str:
        """The field `thread_ts`, empty when there is none."""
        return self._string("thread_ts")

    def _string(self, field: str) -> str:
        value = self.fields.get(field)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Slack's word that it took a message: where it stands, and under which `ts`."""

    channel_id: ChannelId
    timestamp: str
    in_doubt: bool = False
    """The message was sent a second time because nobody could tell whether the first attempt arrived."""


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A new message in Slack, by anybody."""

    channel_id: ChannelId
    timestamp: str
    """Slack's `ts`, unique in its channel."""
    text: str
    user_id: str = ""
    """Empty for some bots' messages."""
    bot_id: str = ""
    """Empty for people's messages."""
    bot_name: str = ""
    """The name that a bot's message carries for its author."""
    thread_timestamp: str = ""
    """The `ts` of the thread's first message; empty when the message is in none."""
    is_direct: bool = False
    """Said to the bot in a direct message."""
    reply_count: int = 0
    replies: tuple[Json, ...] = ()

    @property
    def key(self) -> str:
        """By which the same message is recognised when Slack tells of it again."""
        return f"{self.channel_id}:{self.timestamp}"

    @property
    def is_from_bot(self) -> bool:
        """Whether a program said it."""
        return bool(self.bot_id)

    def is_from(self, identity: Identity) -> bool:
        """Whether the pack said it itself. With a customised username only the bot's id tells."""
        return self.user_id == identity.user_id or (bool(self.bot_id) and self.bot_id == identity.bot_id)
