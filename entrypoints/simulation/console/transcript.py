"""What was said, numbered, so that people can point at it."""

from collections import OrderedDict
from typing import Final

from entrypoints.simulation.workspaces.workspace import ChatHappening, Spoken

_KEPT: Final = 10_000


class Transcript:
    """The messages of all rooms, each with its number; the oldest are forgotten."""

    def __init__(self) -> None:
        self._messages: OrderedDict[int, Spoken] = OrderedDict()
        self._numbers: dict[tuple[str, str], int] = {}
        self._count = 0

    def note(self, happening: ChatHappening) -> None:
        """Give a message the next number; anything else is none of ours."""
        if not isinstance(happening, Spoken):
            return
        self._count += 1
        self._messages[self._count] = happening
        self._numbers[happening.room_id, happening.timestamp] = self._count
        while len(self._messages) > _KEPT:
            _, oldest = self._messages.popitem(last=False)
            del self._numbers[oldest.room_id, oldest.timestamp]

    def number(self, room_id: str, timestamp: str) -> int | None:
        """The number of a message; None for one that is not known (any more)."""
        return self._numbers.get((room_id, timestamp))

    def message(self, number: int) -> Spoken | None:
        """The message of a number."""
        return self._messages.get(number)

    def latest(self, room_id: str, speaker: str = "") -> Spoken | None:
        """The latest message in a room, by anybody or by this speaker."""
        for message in reversed(self._messages.values()):
            if message.room_id == room_id and speaker in ("", message.speaker):
                return message
        return None
