"""The JSON form of commands and events in flows.

It loses information, since the pack's keys replace a flow's keys of the same name. Storages use the lossless form of
`adapters.serialization.records`.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields as fields_of
from typing import Any, assert_never

from adapters.serialization.json_codec import (
    is_deeper_than,
    read_json,
    replace_surrogates,
    replace_surrogates_deep,
    write_json,
)
from application.catalog.commands import COMMANDS_BY_NAME
from application.catalog.events import event_spec
from application.catalog.people import person_fields, user_fields
from application.catalog.specs import CommandSpec, Field, FieldType
from domain.channels import ChannelId
from domain.commands import (
    Broadcast,
    ChatCommand,
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
    CommandOutcome,
    Event,
    Fatal,
    JoinChannelFailed,
    LeaveChannelFailed,
    MessageSent,
    PackEvent,
    ReceivedEvent,
    ReceivedMessage,
    RichMessageSent,
    SendMessageFailed,
    SendRichMessageFailed,
)
from domain.interactions import Reaction
from domain.json_values import Json, JsonObject
from domain.messages import KEY_FIELDS, NO_KEYS, MessageKeys, OutgoingMessage, Receipt, RichMessage

MAX_INPUT_BYTES = 1024 * 1024
"""Of a command's input as compact JSON."""

INPUT_TOO_LARGE = "input is larger than 1 MiB"
"""Why it can't be read."""

MAX_INPUT_DEPTH = 100
"""Levels of lists and objects in a command's input, including the input itself."""

_LISTED = ("channelId", "timestamp", "message")
"""The fields of a command that passes others on which its events always have."""
_BOOLEAN_TEXTS = ("", "true", "false")
"""Templates of flows produce only strings."""
_MAX_NAME_LENGTH = 1000
"""Longer names of unknown commands are truncated: they are reported to the flow and logged."""


class _InvalidInput(Exception):
    """The message says what is wrong and where, without quoting the input."""


def parse_command(name: str, given: Json) -> Command:
    """Returns a flow's command. Never raises: invalid input becomes an UnknownCommand or an UnreadableCommand.

    Null counts as missing: null input is an empty object, and missing fields are empty in the command.
    """
    spec = COMMANDS_BY_NAME.get(name)
    if spec is None:
        return UnknownCommand(replace_surrogates(name[:_MAX_NAME_LENGTH]))
    try:
        fields = _sanitize({} if given is None else given)
        for field in spec.fields:
            _check(fields, field)
        build = _BUILDERS.get(name)
        return build(fields) if build else ChatCommand(name, _normalized(spec, fields))
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
        case ChatCommand(_, fields):
            return fields
        case UnreadableCommand() | UnknownCommand():
            return None
        case _:
            assert_never(command)


def event_name(event: Event) -> str:
    """Returns the event's name in Flyte. `FATAL` is Flyte's own: it ends the action as failed."""
    match event:
        case Fatal():
            return "FATAL"
        case CommandOutcome(name):
            return name
        case ReceivedEvent():
            return event_spec(event.event).name
        case _:
            return type(event).__name__


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
        case CommandOutcome(_, content) | Fatal(content):
            return content
        case ReceivedMessage() | ReceivedEvent():
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
    keys = MessageKeys(*(_text(fields, name) for name in KEY_FIELDS))
    return SendMessage(OutgoingMessage(ChannelId(channel_id), text, thread, keys))


def _normalized(spec: CommandSpec, fields: JsonObject) -> JsonObject:
    """Returns the fields of the command, with empty values for missing ones that its events list."""
    listed = {field.name: field.type.empty for field in spec.fields if not spec.passes_on or field.name in _LISTED}
    given = {name: value for name, value in fields.items() if value is not None}
    return listed | (given if spec.passes_on else {name: given[name] for name in listed if name in given})


_BUILDERS: dict[str, Callable[[JsonObject], Command]] = {
    "SendMessage": _message_command,
    "SendRichMessage": lambda fields: SendRichMessage(RichMessage(fields)),
    "Broadcast": lambda fields: Broadcast(_text(fields, "message")),
    "JoinChannel": lambda fields: JoinChannel(ChannelId(_text(fields, "channelId"))),
    "LeaveChannel": lambda fields: LeaveChannel(ChannelId(_text(fields, "channelId"))),
}


def _text(fields: JsonObject, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _check(fields: JsonObject, field: Field) -> None:
    """Raises _InvalidInput unless the field may have its value; a missing one may."""
    value = fields.get(field.name)
    match field.type:
        case _ if value is None:
            return
        case FieldType.LIST | FieldType.OBJECT:
            _check_json(value, field)
        case FieldType.TEXT:
            _require(isinstance(value, str), field, value)
        case FieldType.TEXT_OR_NUMBER:
            _require(isinstance(value, str | int | float) and not isinstance(value, bool), field, value)
        case FieldType.BOOLEAN:
            _require(isinstance(value, bool) or value in _BOOLEAN_TEXTS, field, value)
        case _:
            assert_never(field.type)


def _require(condition: bool, field: Field, value: Json) -> None:  # noqa: FBT001 - an assertion
    if not condition:
        raise _InvalidInput(f"{field.name} must be {field.type.value}, not {_type_name(value)}")


def _check_json(value: Json, field: Field) -> None:
    """Accepts JSON in a string as well, since templates of flows produce only strings."""
    kind = list if field.type is FieldType.LIST else dict
    if value == "" or isinstance(value, kind):
        return
    if not isinstance(value, str):
        raise _InvalidInput(f"{field.name} must be {field.type.value}, not {_type_name(value)}")
    try:
        parsed = read_json(value)
    except ValueError:
        raise _InvalidInput(f"{field.name} must be {field.type.value}; it is not JSON") from None
    if not isinstance(parsed, kind):
        raise _InvalidInput(f"{field.name} must be {field.type.value}; it contains {_type_name(parsed)}")
    if is_deeper_than(MAX_INPUT_DEPTH, parsed):
        raise _InvalidInput(f"{field.name} is nested deeper than {MAX_INPUT_DEPTH} levels")


def _type_name(value: Json) -> str:
    if value is None:
        return "null"
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "an object"}
    return kinds[type(value)]


def _message_fields(message: OutgoingMessage) -> JsonObject:
    fields: JsonObject = {
        "message": message.text,
        "channelId": message.channel_id,
        "threadTimestamp": message.thread_timestamp,
    }
    return fields | _given_keys(message.keys)


def _given_keys(keys: MessageKeys) -> JsonObject:
    """The keys appear only if the input had one."""
    return {} if keys == NO_KEYS else {"messageKey": keys.message_key, "threadKey": keys.thread_key}


def _update_flag(keys: MessageKeys, receipt: Receipt) -> JsonObject:
    return {} if keys == NO_KEYS else {"updated": receipt.is_updated}


def _message_payload(event: MessageSent | SendMessageFailed) -> Json:
    if isinstance(event, SendMessageFailed):
        return _message_fields(event.message) | {"error": event.error}
    return (
        _message_fields(event.message)
        | {"timestamp": event.receipt.timestamp}
        | _update_flag(event.message.keys, event.receipt)
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
    keys = RichMessage(event.fields).keys
    return event.fields | ours | _update_flag(keys, receipt) | _in_doubt_flag(in_doubt=receipt.in_doubt)


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


def _received_payload(received: PackEvent) -> Json:
    return _heard_payload(received) if isinstance(received, ReceivedMessage) else _event_payload(received)


def _heard_payload(received: ReceivedMessage) -> Json:
    message = received.message
    # The message's own when it is in no thread, so that a flow can always answer in thread.
    thread = message.thread_timestamp or message.timestamp
    return {
        "channelId": message.channel_id,
        "user": person_fields(received.user, message.timestamp, thread),
        "message": message.text,
        "timestamp": message.timestamp,
        "threadTimestamp": thread,
        "replyCount": message.reply_count,
        "replies": list(message.replies),
        "channelType": message.channel_type,
        "files": list(message.files),
        "mentioned": message.is_mention,
        "teamId": message.team_id,
        "threadKey": received.thread_key,
    }


def _event_payload(received: ReceivedEvent) -> Json:
    event = received.event
    values: JsonObject = {_camel_case(field.name): _as_json(getattr(event, field.name)) for field in fields_of(event)}
    values |= {"messageKey": received.message_key}
    if isinstance(event, Reaction):
        item: JsonObject = {"type": event.item_type, "timestamp": event.timestamp, "channel": event.channel_id}
        values |= {
            "type": "reaction_added" if event.is_added else "reaction_removed",
            "itemUser": user_fields(received.item_user),
            "item": item,
            "message": received.message,
            "threadTimestamp": received.thread_timestamp,
        }
    if not values.get("threadTimestamp") and not values.get("isEphemeral"):
        # As in ReceivedMessage. Nobody can answer in the thread of an ephemeral message.
        values["threadTimestamp"] = values.get("timestamp", "")
    times = str(values.get("timestamp", "")), str(values.get("threadTimestamp", ""))
    place: JsonObject = {
        "channelId": event.channel_id,
        "user": person_fields(received.user, *times),
        "teamId": event.team_id,
    }
    return place | {name: values[name] for name in event_spec(event).fields}


def _as_json(value: Any) -> Json:
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
