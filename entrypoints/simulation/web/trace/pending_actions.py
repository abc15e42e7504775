"""Which action a post belongs to: the one in hand that asks for these words in this channel."""

from collections.abc import Collection
from typing import Final


class PendingActions:
    """The actions that packs have taken and not answered. They are told apart by their input, as flows wrote it."""

    def __init__(self) -> None:
        self._inputs: Final[dict[str, object]] = {}

    def add(self, action_id: str, asked: object) -> None:
        """A pack took this action."""
        self._inputs[action_id] = asked

    def remove(self, action_id: str) -> None:
        """A pack answered this action."""
        self._inputs.pop(action_id, None)

    def find_by_post(self, channel: Collection[str], text: str) -> str | None:
        """The id of the oldest action that asks for this text in the channel of these names; None: there is none."""
        fitting = (action for action, asked in self._inputs.items() if _asks_for(asked, channel, text))
        return next(fitting, None)


def _asks_for(asked: object, channel: Collection[str], text: str) -> bool:
    """Whether the input names this place and these words; a broadcast names no place, rich messages often no words."""
    if not isinstance(asked, dict):
        return False
    place = asked.get("channelId") or asked.get("channel")
    words = asked.get("message") or asked.get("text")
    return (not place or place in channel) and (not words or words == text)
