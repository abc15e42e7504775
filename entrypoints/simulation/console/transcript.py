"""Numbers the messages, so that people can refer to them."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from entrypoints.simulation.workspaces.workspace import ChatMessage, WorkspaceEvent

_CAPACITY: Final = 10_000


class Transcript:
    """The latest messages of all conversations, each with its number."""

    def __init__(self) -> None:
        self._messages: OrderedDict[int, ChatMessage] = OrderedDict()
        self._numbers: dict[tuple[str, str], int] = {}
        self._count = 0

    def record(self, event: WorkspaceEvent) -> None:
        """Gives a message the next number; ignores other events."""
        if not isinstance(event, ChatMessage):
            return
        self._count += 1
        self._messages[self._count] = event
        self._numbers[event.channel_id, event.timestamp] = self._count
        while len(self._messages) > _CAPACITY:
            _, oldest = self._messages.popitem(last=False)
            del self._numbers[oldest.channel_id, oldest.timestamp]

    def number(self, channel_id: str, timestamp: str) -> int | None:
        """Returns the number of a message; None if the message is unknown or too old."""
        return self._numbers.get((channel_id, timestamp))

    def message(self, number: int) -> ChatMessage | None:
        """Returns the message with this number."""
        return self._messages.get(number)

    def latest(self, channel_id: str, speaker: str = "") -> ChatMessage | None:
        """Returns the latest message in a conversation that everybody sees, by anyone or by this speaker."""
        messages = (message for message in self.messages(channel_id) if speaker in ("", message.speaker))
        return next(messages, None)

    def messages(self, channel_id: str, viewer: str = "") -> Iterator[ChatMessage]:
        """Yields the messages in a conversation that everybody or this person sees, the latest first."""
        for message in reversed(self._messages.values()):
            if message.channel_id == channel_id and message.viewer in ("", viewer):
                yield message
