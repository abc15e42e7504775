"""What flows can ask of the pack."""

from dataclasses import dataclass
from typing import TypeAlias

from domain.channels import ChannelId
from domain.json_values import JsonObject
from domain.messages import OutgoingMessage, RichMessage

_CONTENT_FIELDS = ("text", "attachments", "blocks", "markdown_text")


def _missing(**fields: str) -> str:
    """The contract's words for the fields that are empty, in the order given."""
    return ", ".join(f"missing {name.replace('_', ' ')} field" for name, value in fields.items() if not value)


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Post a text into a channel or a thread."""

    message: OutgoingMessage

    def missing(self) -> str:
        """What the flow left out, in words; empty when nothing."""
        return _missing(message=self.message.text, channel_id=self.message.channel_id)


@dataclass(frozen=True, slots=True)
class SendRichMessage:
    """Post a message with any of Slack's own fields."""

    message: RichMessage

    def missing(self) -> str:
        """What the flow left out, in words; empty when nothing."""
        fields = self.message.fields
        has_content = any(fields.get(name) not in (None, "", [], "[]") for name in _CONTENT_FIELDS)
        lacks_content = "" if has_content else "missing text, attachments, blocks or markdown_text field"
        return ", ".join(filter(None, (_missing(channel=self.message.channel_id), lacks_content)))


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Post a text into every joined channel."""

    message: str

    def missing(self) -> str:
        """What the flow left out, in words; empty when nothing."""
        return _missing(message=self.message)


@dataclass(frozen=True, slots=True)
class JoinChannel:
    """Become a member of a channel and listen to it."""

    channel_id: ChannelId

    def missing(self) -> str:
        """What the flow left out, in words; empty when nothing."""
        return _missing(channel_id=self.channel_id)


@dataclass(frozen=True, slots=True)
class LeaveChannel:
    """Stop listening to a channel and leave it."""

    channel_id: ChannelId

    def missing(self) -> str:
        """What the flow left out, in words; empty when nothing."""
        return _missing(channel_id=self.channel_id)


@dataclass(frozen=True, slots=True)
class UnreadableCommand:
    """A known command whose input can't be read: the wrong type, too large, too deep."""

    name: str
    reason: str
    """What is wrong and where, without the input itself."""


@dataclass(frozen=True, slots=True)
class UnknownCommand:
    """A command that this pack does not have."""

    name: str


Command: TypeAlias = (
    SendMessage | SendRichMessage | Broadcast | JoinChannel | LeaveChannel | UnreadableCommand | UnknownCommand
)


def command_name(command: Command) -> str:
    """The command as flows name it."""
    if isinstance(command, UnreadableCommand | UnknownCommand):
        return command.name
    return type(command).__name__


def without_token(fields: JsonObject) -> JsonObject:
    """A rich message's fields without `token`, which is never handed on nor answered with."""
    return {name: value for name, value in fields.items() if name != "token"}
