"""The payloads of events in flows.

They lose information, since the pack's keys replace a flow's keys of the same name. Storages use the lossless form of
`adapters.serialization.records`.
"""

from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import Any, assert_never

from adapters.serialization.command_inputs import message_fields
from application.catalog.events import event_spec
from application.catalog.people import person_fields, user_fields
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
from domain.messages import NO_KEYS, MessageKeys, Receipt, RichMessage


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


def _update_flag(keys: MessageKeys, receipt: Receipt) -> JsonObject:
    return {} if keys == NO_KEYS else {"updated": receipt.is_updated}


def _message_payload(event: MessageSent | SendMessageFailed) -> Json:
    if isinstance(event, SendMessageFailed):
        return message_fields(event.message) | {"error": event.error}
    return (
        message_fields(event.message)
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


def _received_payload(event: PackEvent) -> Json:
    return _received_message_payload(event) if isinstance(event, ReceivedMessage) else _received_event_payload(event)


def _received_message_payload(received: ReceivedMessage) -> Json:
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


def _received_event_payload(received: ReceivedEvent) -> Json:
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
        # As in ReceivedMessage. An ephemeral message has no thread to answer in.
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
