"""Message keys that are forgotten at exit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from application.ports.clock import Clock
from domain.channels import ChannelId
from domain.message_keys import KeyedMessage


class MemoryMessageKeys:
    """Implements MessageKeys in a dictionary, in the order of their latest use."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[tuple[ChannelId, str], KeyedMessage] = {}
        self._used_at: dict[tuple[ChannelId, str], float] = {}

    async def find(self, channel_id: ChannelId, key: str) -> KeyedMessage | None:
        return self._known.get((channel_id, key))

    async def reserve(self, channel_id: ChannelId, key: str, since: datetime) -> KeyedMessage:
        known = self._known.get((channel_id, key)) or KeyedMessage(channel_id, key, reserved_since=since)
        if known.reserved_since is not None:
            known = replace(known, reserved_since=min(known.reserved_since, since))
        self._use(known)
        return known

    async def bind(self, channel_id: ChannelId, key: str, timestamp: str) -> None:
        self._use(KeyedMessage(channel_id, key, timestamp))

    async def touch(self, channel_id: ChannelId, key: str) -> None:
        if known := self._known.get((channel_id, key)):
            self._use(known)

    async def release(self, channel_id: ChannelId, key: str) -> None:
        known = self._known.get((channel_id, key))
        if known and not known.timestamp:
            self._forget(known)

    async def free(self, channel_id: ChannelId, timestamp: str) -> None:
        for known in self._of_message(channel_id, timestamp):
            self._forget(known)

    async def keys_of(self, messages: Sequence[tuple[ChannelId, str]]) -> list[str]:
        return [next((known.key for known in reversed(self._of_message(*message))), "") for message in messages]

    async def purge(self, older_than: timedelta) -> int:
        before = self._clock.monotonic() - older_than.total_seconds()
        old = [known for place, known in self._known.items() if self._used_at[place] < before]
        for known in old:
            self._forget(known)
        return len(old)

    def _use(self, message: KeyedMessage) -> None:
        place = message.channel_id, message.key
        self._known.pop(place, None)  # moves to the end
        self._known[place] = message
        self._used_at[place] = self._clock.monotonic()

    def _forget(self, message: KeyedMessage) -> None:
        place = message.channel_id, message.key
        del self._known[place], self._used_at[place]

    def _of_message(self, channel_id: ChannelId, timestamp: str) -> list[KeyedMessage]:
        if not timestamp:
            return []
        wanted = channel_id, timestamp
        return [known for known in self._known.values() if (known.channel_id, known.timestamp) == wanted]
