"""The commands that flows can send to the pack."""

from dataclasses import dataclass
from typing import TypeAlias

from domain.channels import ChannelId
from domain.json_values import JsonObject
from domain.messages import KEY_FIELDS, OutgoingMessage, Post, RichMessage

_CONTENT_FIELDS = ("text", "attachments", "blocks", "markdown_text")


def _missing(**fields: str) -> str:
    """Lists the empty fields in the contract's wording, in the order given."""
    return ", ".join(f"missing {name.replace('_', ' ')} field" for name, value in fields.items() if not value)


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Post a text into a channel or a thread."""

    message: OutgoingMessage

    def missing(self) -> str:
        """Returns which required fields are missing, in the contract's wording; empty if none."""
        return _missing(message=self.message.text, channel_id=self.message.channel_id)


@dataclass(frozen=True, slots=True)
class SendRichMessage:
    """Post a message with any of the chat service's own fields."""

    message: RichMessage

    def missing(self) -> str:
        """Returns which required fields are missing, in the contract's wording; empty if none."""
        fields = self.message.fields
        has_content = any(fields.get(name) not in (None, "", [], "[]") for name in _CONTENT_FIELDS)
        lacks_content = "" if has_content else "missing text, attachments, blocks or markdown_text field"
        return ", ".join(filter(None, (_missing(channel=self.message.channel_id), lacks_content)))


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Post a text into every joined channel."""

    message: str

    def missing(self) -> str:
        """Returns which required fields are missing, in the contract's wording; empty if none."""
        return _missing(message=self.message)


@dataclass(frozen=True, slots=True)
class JoinChannel:
    """Become a member of a channel and listen to it."""

    channel_id: ChannelId

    def missing(self) -> str:
        """Returns which required fields are missing, in the contract's wording; empty if none."""
        return _missing(channel_id=self.channel_id)


@dataclass(frozen=True, slots=True)
class LeaveChannel:
    """Stop listening to a channel and leave it."""

    channel_id: ChannelId

    def missing(self) -> str:
        """Returns which required fields are missing, in the contract's wording; empty if none."""
        return _missing(channel_id=self.channel_id)


@dataclass(frozen=True, slots=True)
class ChatCommand:
    """Any other command, by its name and its input: `application.catalog` describes them."""

    name: str
    input: JsonObject
    """All fields of the command, those that the flow left out with empty values."""


@dataclass(frozen=True, slots=True)
class UnreadableCommand:
    """A known command with invalid input: wrong types, too large, or nested too deep."""

    name: str
    reason: str
    """What is invalid and where, without the input itself."""


@dataclass(frozen=True, slots=True)
class UnknownCommand:
    """A command that this pack does not support."""

    name: str


Command: TypeAlias = (
    SendMessage
    | SendRichMessage
    | Broadcast
    | JoinChannel
    | LeaveChannel
    | ChatCommand
    | UnreadableCommand
    | UnknownCommand
)


def command_name(command: Command) -> str:
    """Returns the command's name in flows."""
    if isinstance(command, ChatCommand | UnreadableCommand | UnknownCommand):
        return command.name
    return type(command).__name__


def without_token(fields: JsonObject) -> JsonObject:
    """Returns a rich message's fields without `token`, which the pack neither passes on nor reports."""
    return {name: value for name, value in fields.items() if name != "token"}


def chat_fields(message: RichMessage) -> JsonObject:
    """Returns the fields that are the chat service's own."""
    return {name: value for name, value in without_token(message.fields).items() if name not in KEY_FIELDS}


def replacing_fields(message: Post) -> JsonObject:
    """Returns the chat service's fields for an update that replaces the whole of an earlier message.

    Empty ones are included, since the service keeps a text, blocks and attachments that an update omits.
    """
    if isinstance(message, OutgoingMessage):
        return {"text": message.text, "blocks": [], "attachments": []}
    fields = {name: value for name, value in chat_fields(message).items() if name not in ("channel", "thread_ts")}
    emptied: JsonObject = {"blocks": [], "attachments": []} | ({} if fields.get("markdown_text") else {"text": ""})
    return fields | {name: fields.get(name) or empty for name, empty in emptied.items()}
