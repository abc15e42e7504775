"""The JSON form of commands and events in flows.

It loses information, since the pack's keys replace a flow's keys of the same name. Storages use the lossless form of
`adapters.serialization.records`.
"""

from collections.abc import Callable
from typing import assert_never

from adapters.serialization.json_codec import (
    is_deeper_than,
    read_json,
    replace_surrogates,
    replace_surrogates_deep,
    write_json,
)
from domain.channels import ChannelId
from domain.commands import (
    Broadcast,
    Command,
    JoinChannel,
    LeaveChannel,
    SendMessage,
    SendRichMessage,
    UnknownCommand,
    UnreadableCommand,
)
from domain.events import (
    BroadcastFailed,
    BroadcastSent,
    ChannelJoined,
    ChannelLeft,
    Event,
    Fatal,
    JoinChannelFailed,
    LeaveChannelFailed,
    MessageSent,
    ReceivedMessage,
    RichMessageSent,
    SendMessageFailed,
    SendRichMessageFailed,
)
from domain.json_values import Json, JsonObject
from domain.messages import OutgoingMessage, RichMessage

MAX_INPUT_BYTES = 1024 * 1024
"""Of a command's input as compact JSON."""

INPUT_TOO_LARGE = "input is larger than 1 MiB"
"""Why it can't be read."""

MAX_INPUT_DEPTH = 100
"""Levels of lists and objects in a command's input, including the input itself."""

_MAX_NAME_LENGTH = 1000
"""Longer names of unknown commands are truncated: they are reported to the flow and logged."""


class _InvalidInput(Exception):
    """The message says what is wrong and where, without quoting the input."""


def parse_command(name: str, given: Json) -> Command:
    """Returns a flow's command. Never raises: invalid input becomes an UnknownCommand or an UnreadableCommand.

    Null counts as missing: null input is an empty object, and missing fields are empty in the command.
    """
    build = _BUILDERS.get(name)
    if build is None:
        return UnknownCommand(replace_surrogates(name[:_MAX_NAME_LENGTH]))
    try:
        return build(_sanitize({} if given is None else given))
    except _InvalidInput as error:
        return UnreadableCommand(name, str(error))


def command_input(command: Command) -> Json:
    """Returns the input that `parse_command` parses into this command; null for unreadable commands."""
    match command:
        case SendMessage(message):
            return _message_fields(message)
        case SendRichMessage(message):
            return message.fields
        case Broadcast(text):
            return {"message": text}
        case JoinChannel(channel_id) | LeaveChannel(channel_id):
            return {"channelId": channel_id}
        case UnreadableCommand() | UnknownCommand():
            return None
        case _:
            assert_never(command)


def event_name(event: Event) -> str:
    """Returns the event's name in Flyte. `FATAL` is Flyte's own: it ends the action as failed."""
    return "FATAL" if isinstance(event, Fatal) else type(event).__name__


def event_payload(event: Event) -> Json:
    """Returns `Event.Payload` for flows. All keys are present, except `inDoubt` unless it is true."""
    match event:
        case MessageSent() | SendMessageFailed():
            return _message_payload(event)
        case RichMessageSent() | SendRichMessageFailed():
            return _rich_message_payload(event)
        case BroadcastSent() | BroadcastFailed():
            return _broadcast_payload(event)
        case ChannelJoined() | ChannelLeft() | JoinChannelFailed() | LeaveChannelFailed():
            return _channel_payload(event)
        case Fatal(reason):
            return reason
        case ReceivedMessage():
            return _received_payload(event)
        case _:
            assert_never(event)


def _sanitize(given: Json) -> JsonObject:
    if not isinstance(given, dict):
        raise _InvalidInput(f"input must be a JSON object, not {_type_name(given)}")
    if is_deeper_than(MAX_INPUT_DEPTH, given):
        raise _InvalidInput(f"input is nested deeper than {MAX_INPUT_DEPTH} levels")
    sanitized: JsonObject = {replace_surrogates(name): replace_surrogates_deep(value) for name, value in given.items()}
    try:
        size = len(write_json(sanitized))
    except ValueError:
        raise _InvalidInput("input contains a number that has no JSON form") from None
    if size > MAX_INPUT_BYTES:
        raise _InvalidInput(INPUT_TOO_LARGE)
    return sanitized


def _message_command(fields: JsonObject) -> Command:
    text, channel_id, thread = (_text(fields, name) for name in ("message", "channelId", "threadTimestamp"))
    return SendMessage(OutgoingMessage(ChannelId(channel_id), text, thread))


def _rich_message_command(fields: JsonObject) -> Command:
    for name in ("channel", "text", "markdown_text", "thread_ts"):
        _text(fields, name)
    for name in ("attachments", "blocks"):
        _check_list(fields, name)
    return SendRichMessage(RichMessage(fields))


_BUILDERS: dict[str, Callable[[JsonObject], Command]] = {
    "SendMessage": _message_command,
    "SendRichMessage": _rich_message_command,
    "Broadcast": lambda fields: Broadcast(_text(fields, "message")),
    "JoinChannel": lambda fields: JoinChannel(ChannelId(_text(fields, "channelId"))),
    "LeaveChannel": lambda fields: LeaveChannel(ChannelId(_text(fields, "channelId"))),
}


def _text(fields: JsonObject, name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _InvalidInput(f"{name} must be a string, not {_type_name(value)}")
    return value


def _check_list(fields: JsonObject, name: str) -> None:
    """Accepts a list, or a string with a JSON list, since templates of flows produce only strings."""
    value = fields.get(name)
    if value in (None, "") or isinstance(value, list):
        return
    if not isinstance(value, str):
        raise _InvalidInput(f"{name} must be a list, or a string with a JSON list, not {_type_name(value)}")
    try:
        parsed = read_json(value)
    except ValueError:
        raise _InvalidInput(f"{name} must be a list, or a string with a JSON list; it is not JSON") from None
    if not isinstance(parsed, list):
        raise _InvalidInput(f"{name} must be a list, or a string with a JSON list; it contains {_type_name(parsed)}")
    if is_deeper_than(MAX_INPUT_DEPTH, parsed):
        raise _InvalidInput(f"{name} is nested deeper than {MAX_INPUT_DEPTH} levels")


def _type_name(value: Json) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return kinds[type(value)]


def _message_fields(message: OutgoingMessage) -> JsonObject:
    return {"message": message.text, "channelId": message.channel_id, "threadTimestamp": message.thread_timestamp}


def _message_payload(event: MessageSent | SendMessageFailed) -> Json:
    if isinstance(event, SendMessageFailed):
        return _message_fields(event.message) | {"error": event.error}
    return (
        _message_fields(event.message)
        | {"timestamp": event.receipt.timestamp}
        | _in_doubt_flag(in_doubt=event.receipt.in_doubt)
    )


def _rich_message_payload(event: RichMessageSent | SendRichMessageFailed) -> Json:
    if isinstance(event, SendRichMessageFailed):
        return {"inputMessage": event.fields, "error": event.error}
    receipt = event.receipt
    ours: JsonObject = {
        "channelId": receipt.channel_id,
        "threadTimestamp": receipt.timestamp,
        "timestamp": receipt.timestamp,
    }
    return event.fields | ours | _in_doubt_flag(in_doubt=receipt.in_doubt)


def _broadcast_payload(event: BroadcastSent | BroadcastFailed) -> Json:
    reached: JsonObject = {"message": event.message, "channelIds": list(event.channel_ids)}
    if isinstance(event, BroadcastSent):
        return reached | _in_doubt_flag(in_doubt=event.in_doubt)
    failures: list[Json] = [{"channelId": failure.channel_id, "error": failure.error} for failure in event.failures]
    return reached | {"error": event.error, "failures": failures}


def _channel_payload(event: ChannelJoined | ChannelLeft | JoinChannelFailed | LeaveChannelFailed) -> Json:
    if isinstance(event, JoinChannelFailed | LeaveChannelFailed):
        return {"channelId": event.channel_id, "error": event.error}
    return {"channelId": event.channel_id}


def _in_doubt_flag(*, in_doubt: bool) -> JsonObject:
    return {"inDoubt": True} if in_doubt else {}


def _received_payload(event: ReceivedMessage) -> Json:
    said, user = event.message, event.user
    times: JsonObject = {
        "timestamp": said.timestamp,
        # The message's own when it is in no thread, so that a flow can always answer in thread.
        "threadTimestamp": said.thread_timestamp or said.timestamp,
    }
    author: JsonObject = {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "title": user.title,
        "firstName": user.first_name,
        "lastName": user.last_name,
    }
    return {
        "channelId": said.channel_id,
        # The seed puts the times inside `user`, every released pack beside `message`.
        "user": author | times,
        "message": said.text,
        **times,
        "replyCount": said.reply_count,
        "replies": list(said.replies),
    }
