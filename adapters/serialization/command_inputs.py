"""The input of commands in flows: what a flow may give, and the command that it becomes."""

from collections.abc import Callable
from typing import assert_never

from adapters.serialization.json_codec import (
    is_deeper_than,
    read_json,
    replace_surrogates,
    replace_surrogates_deep,
    write_json,
)
from application.catalog.commands import COMMANDS_BY_NAME
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
from domain.json_values import Json, JsonObject
from domain.messages import KEY_FIELDS, NO_KEYS, MessageKeys, OutgoingMessage, RichMessage

MAX_INPUT_BYTES = 1024 * 1024
"""The limit of a command's input as compact JSON."""

INPUT_TOO_LARGE = "input is larger than 1 MiB"
"""The reason given for a larger input, which is not read."""

MAX_INPUT_DEPTH = 100
"""Levels of lists and objects in a command's input, including the input itself."""

_LISTED = ("channelId", "timestamp", "message")
"""The fields that the events of a command always have if it passes any other field on."""
_BOOLEAN_TEXTS = ("", "true", "false")
"""Accepted as booleans in any case, since templates of flows produce only strings: of booleans `True` and `False`."""
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
            return message_fields(message)
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


def message_fields(message: OutgoingMessage) -> JsonObject:
    """Returns the input of SendMessage that posts this message."""
    fields: JsonObject = {
        "message": message.text,
        "channelId": message.channel_id,
        "threadTimestamp": message.thread_timestamp,
    }
    return fields | _given_keys(message.keys)


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
            is_text = isinstance(value, str) and value.lower() in _BOOLEAN_TEXTS
            _require(isinstance(value, bool) or is_text, field, value)
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


def _given_keys(keys: MessageKeys) -> JsonObject:
    """The keys appear only if the input had one."""
    return {} if keys == NO_KEYS else {"messageKey": keys.message_key, "threadKey": keys.thread_key}
