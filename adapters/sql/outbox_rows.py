"""From rows of a SQL outbox to entries."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from adapters.serialization.timestamps import parse_ts
from adapters.sql.codec import (
    Unreadable,
    count_of,
    from_micros,
    is_time,
    load_event,
    optional_from_micros,
    optional_text,
    text,
    to_micros,
)
from domain.channels import ChannelId
from domain.interactions import OtherEvent
from domain.messages import IncomingMessage
from domain.outbox import EventKind, InboundEvent, OutboxEntry, outbox_entry


def load_entry(row: Sequence[Any]) -> OutboxEntry:
    """Returns a waiting entry. Raises Unreadable.

    The row: place, key, kind, event, time of receipt, whether it is backfilled, rejections, time of the first, reason,
    traceparent.
    """
    _, key, kind, stored, received_at, is_backfilled, rejections, first_rejected_at, reason, trace_parent = row
    event = load_event(kind, stored)
    if event.key != key:
        raise Unreadable("the event does not belong to its key")
    return replace(
        outbox_entry(event, from_micros(received_at)),
        is_backfilled=bool(is_backfilled),
        rejections=count_of(rejections),
        first_rejected_at=optional_from_micros(first_rejected_at),
        dead_letter_reason=text(reason),
        trace_parent=optional_text(trace_parent),
    )


def load_dead_letter(row: Sequence[Any]) -> OutboxEntry:
    """Returns a dead letter. An unreadable one has what is stored in place of the event."""
    try:
        return load_entry(row)
    except Unreadable:
        place, key, kind, stored, received_at, *_, reason, _ = row
        key = key if isinstance(key, str) else f"unreadable:{place}"
        found = stored.decode(errors="replace") if isinstance(stored, bytes) else str(stored)
        received = from_micros(received_at if is_time(received_at) else 0)
        reason = reason if isinstance(reason, str) and reason else "unreadable"
        return replace(outbox_entry(_unreadable(kind, key, found), received), key=key, dead_letter_reason=reason)


def _unreadable(kind: object, key: str, found: str) -> InboundEvent:
    """Returns what stands for an unreadable event. Anything but a message may contain capabilities."""
    if kind != EventKind.MESSAGE.value:
        return OtherEvent(type="unreadable", event_id=key, event={})
    channel_id, _, timestamp = key.partition(":")
    return IncomingMessage(ChannelId(channel_id), timestamp, found)


def message_micros(entry: OutboxEntry) -> int:
    """Returns when a message was written; 0 for anything else."""
    written_at = parse_ts(entry.event.timestamp) if isinstance(entry.event, IncomingMessage) else None
    return to_micros(written_at) if written_at else 0
