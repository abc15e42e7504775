"""The JSON form in which storages keep commands and events: lossless, with nothing in it that flows would see."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from marshmallow import RAISE, Schema, ValidationError, fields, post_load

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
    ChannelFailure,
    ChannelJoined,
    ChannelLeft,
    Fatal,
    JoinChannelFailed,
    LeaveChannelFailed,
    MessageSent,
    Outcome,
    RichMessageSent,
    SendMessageFailed,
    SendRichMessageFailed,
)
from domain.json_values import JsonObject
from domain.messages import OutgoingMessage, Receipt, RichMessage


def dump_command(command: Command) -> JsonObject:
    """The command as a JSON object."""
    return _dump(_COMMANDS, command)


def load_command(record: Mapping[str, Any]) -> Command:
    """The command from which `dump_command` made this. ValueError when it made no such thing."""
    return cast("Command", _load(_COMMANDS, record))


def dump_event(outcome: Outcome) -> JsonObject:
    """The outcome of an action as a JSON object."""
    return _dump(_OUTCOMES, outcome)


def load_event(record: Mapping[str, Any]) -> Outcome:
    """The outcome from which `dump_event` made this. ValueError when it made no such thing."""
    return cast("Outcome", _load(_OUTCOMES, record))


def _text() -> fields.String:
    return fields.String(required=True)


def _texts() -> fields.List[str]:
    return fields.List(_text(), required=True)


def _truth() -> fields.Boolean:
    return fields.Boolean(required=True)


def _rich_fields() -> fields.Dict:
    # A schema's own attribute `fields` must not be covered.
    return fields.Dict(required=True, attribute="fields", data_key="fields")


class _Record(Schema):
    """One domain value, field by field, by the names that the domain gives them."""

    class Meta:
        """The records are our own: what is unknown is a mistake."""

        unknown = RAISE

    makes: ClassVar[type[Any]]

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Any:
        """The domain value, whose sequences are all tuples."""
        return self.makes(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})


class _MessageRecord(_Record):
    makes = OutgoingMessage
    channel_id = _text()
    text = _text()
    thread_timestamp = _text()


class _RichMessageRecord(_Record):
    makes = RichMessage
    rich_fields = _rich_fields()


class _ReceiptRecord(_Record):
    makes = Receipt
    channel_id = _text()
    timestamp = _text()
    in_doubt = _truth()


def _message() -> fields.Nested:
    return fields.Nested(_MessageRecord, required=True)


def _receipt() -> fields.Nested:
    return fields.Nested(_ReceiptRecord, required=True)


class _SendMessageRecord(_Record):
    makes = SendMessage
    message = _message()


class _SendRichMessageRecord(_Record):
    makes = SendRichMessage
    message = fields.Nested(_RichMessageRecord, required=True)


class _BroadcastRecord(_Record):
    makes = Broadcast
    message = _text()


class _JoinChannelRecord(_Record):
    makes = JoinChannel
    channel_id = _text()


class _LeaveChannelRecord(_Record):
    makes = LeaveChannel
    channel_id = _text()


class _UnreadableCommandRecord(_Record):
    makes = UnreadableCommand
    name = _text()
    reason = _text()


class _UnknownCommandRecord(_Record):
    makes = UnknownCommand
    name = _text()


class _MessageSentRecord(_Record):
    makes = MessageSent
    message = _message()
    receipt = _receipt()


class _SendMessageFailedRecord(_Record):
    makes = SendMessageFailed
    message = _message()
    error = _text()


class _RichMessageSentRecord(_Record):
    makes = RichMessageSent
    rich_fields = _rich_fields()
    receipt = _receipt()


class _SendRichMessageFailedRecord(_Record):
    makes = SendRichMessageFailed
    rich_fields = _rich_fields()
    error = _text()


class _BroadcastSentRecord(_Record):
    makes = BroadcastSent
    message = _text()
    channel_ids = _texts()
    in_doubt = _truth()


class _ChannelFailureRecord(_Record):
    makes = ChannelFailure
    channel_id = _text()
    error = _text()


class _BroadcastFailedRecord(_Record):
    makes = BroadcastFailed
    message = _text()
    error = _text()
    channel_ids = _texts()
    failures = fields.List(fields.Nested(_ChannelFailureRecord), required=True)


class _ChannelJoinedRecord(_Record):
    makes = ChannelJoined
    channel_id = _text()


class _JoinChannelFailedRecord(_Record):
    makes = JoinChannelFailed
    channel_id = _text()
    error = _text()


class _ChannelLeftRecord(_Record):
    makes = ChannelLeft
    channel_id = _text()


class _LeaveChannelFailedRecord(_Record):
    makes = LeaveChannelFailed
    channel_id = _text()
    error = _text()


class _FatalRecord(_Record):
    makes = Fatal
    reason = _text()


def _by_type(*records: type[_Record]) -> dict[str, _Record]:
    return {record.makes.__name__: record() for record in records}


_COMMANDS = _by_type(
    _SendMessageRecord,
    _SendRichMessageRecord,
    _BroadcastRecord,
    _JoinChannelRecord,
    _LeaveChannelRecord,
    _UnreadableCommandRecord,
    _UnknownCommandRecord,
)
_OUTCOMES = _by_type(
    _MessageSentRecord,
    _SendMessageFailedRecord,
    _RichMessageSentRecord,
    _SendRichMessageFailedRecord,
    _BroadcastSentRecord,
    _BroadcastFailedRecord,
    _ChannelJoinedRecord,
    _JoinChannelFailedRecord,
    _ChannelLeftRecord,
    _LeaveChannelFailedRecord,
    _FatalRecord,
)


def _dump(records: dict[str, _Record], value: Command | Outcome) -> JsonObject:
    kind = type(value).__name__
    return {"type": kind, **records[kind].dump(value)}


def _load(records: dict[str, _Record], record: Mapping[str, Any]) -> Any:
    rest = dict(record)
    kind = str(rest.pop("type", ""))
    if kind not in records:
        raise ValueError(f"there is no record of the type {kind!r}")
    try:
        return records[kind].load(rest)
    except ValidationError as error:
        # The library's text would quote what was kept.
        wrong = ", ".join(map(str, error.messages_dict))
        raise ValueError(f"a record of the type {kind} is wrong in {wrong}") from None
