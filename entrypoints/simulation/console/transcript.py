"""What was said, numbered, so that people can point at it."""

from collections import OrderedDict
from typing import Final

from entrypoints.simulation.workspaces.workspace import ChatMessage, WorkspaceEvent

_CAPACITY: Final = 10_000


class Transcript:
    """The messages of all rooms, each with its number; the oldest are forgotten."""

    def __init__(self) -> None:
        self._messages: OrderedDict[int, ChatMessage] = OrderedDict()
        self._numbers: dict[tuple[str, str], int] = {}
        self._count = 0

    def record(self, happening: WorkspaceEvent) -> None:
        """Give a message the next number; anything else is none of ours."""
        if not isinstance(happening, ChatMessage):
            return
        self._count += 1
        self._messages[self._count] = happening
        self._numbers[happening.channel_id, happening.timestamp] = self._count
        while len(self._messages) > _CAPACITY:
            _, oldest = self._messages.popitem(last=False)
            del self._numbers[oldest.channel_id, oldest.timestamp]

    def number(self, room_id: str, timestamp: str) -> int | None:
        """The number of a message; None for one that is not known (any more)."""
        return self._numbers.get((room_id, timestamp))

    def message(self, number: int) -> ChatMessage | None:
        """The message of a number."""
        return self._messages.get(number)

    def latest(self, room_id: str, speaker: str = "") -> ChatMessage | None:
        """The latest message in a room, by anybody or by this speaker."""
        for message in reversed(self._messages.values()):
            if message.channel_id == room_id and speaker in ("", message.speaker):
                return message
        return None
