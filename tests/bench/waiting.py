"""Messages that wait in a storage."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from application.ports.storage import Storage
from domain.channels import ChannelId
from domain.messages import IncomingMessage
from domain.outbox import OutboxEntry, outbox_entry

_BATCH_SIZE = 1000


async def append_messages(storage: Storage, count: int, channels: Sequence[str], people: Sequence[str]) -> None:
    """Appends messages to an open storage, spread over the channels; the text is the number within its channel."""
    entries = _entries(count, channels, people)
    while batch := list(islice(entries, _BATCH_SIZE)):
        await storage.outbox.append(batch)


def _entries(count: int, channels: Sequence[str], people: Sequence[str]) -> Iterator[OutboxEntry]:
    now = datetime.now(UTC).replace(microsecond=0)
    began = now - timedelta(hours=1)
    for number in range(count):
        position, place = divmod(number, len(channels))
        timestamp = f"{began.timestamp() + number // 1000:.0f}.{number % 1000:06d}"
        message = IncomingMessage(ChannelId(channels[place]), timestamp, json.dumps(position), user_id=people[place])
        yield outbox_entry(message, began)
