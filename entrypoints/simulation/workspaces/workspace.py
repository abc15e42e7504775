"""The chat as those who talk in it see it, whichever simulated Slack is behind it."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

BOT = "flyte"
"""The bot's handle."""

_MENTION: Final = re.compile(r"(?<![\w.@#])([@#])([\w-]+(?:\.[\w-]+)*)")


class NotThereError(LookupError):
    """There is nobody and nothing of that name; the message says what there is."""


class NotDoneError(Exception):
    """The chat service does not let people do this; the message says why."""


@dataclass(frozen=True, slots=True)
class Room:
    """A place to talk."""

    id: str
    label: str
    """`#ops`, or `@flyte` for direct messages with the bot."""
    has_bot: bool
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message that stands in a room."""

    room_id: str
    room: str
    speaker: str
    text: str
    """As Slack has it."""
    timestamp: str
    thread_timestamp: str = ""
    """Of the message whose thread it stands in; empty for the room itself."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """Anything else that can be seen in a room: somebody came or went, an edit, a reaction."""

    room_id: str
    room: str
    text: str
    timestamp: str = ""
    """Of the message that it is about, if it is about one."""


ChatHappening: TypeAlias = Spoken | Noticed


class Workspace(Protocol):
    """People and rooms. Handles come without `@`, rooms as `#name` or `@flyte`."""

    listeners: list[Callable[[ChatHappening], None]]
    """Told of all that can be seen, as it happens."""

    @property
    def handles(self) -> Sequence[str]:
        """The people, the bot not among them."""

    def rooms(self) -> Sequence[Room]:
        """The channels; direct messages are not listed."""

    def room(self, label: str, handle: str) -> Room:
        """A room, as somebody finds it: `@flyte` are this person's own direct messages. Raises NotThereError."""

    def as_sent(self, typed: str) -> str:
        """What somebody types, as Slack passes it on: `<@U1>` for `@alice`, `&lt;` for a less-than sign."""

    def add_person(self, handle: str) -> None:
        """Let somebody into the workspace."""

    def add_channel(self, label: str, channel_id: str = "", *, is_private: bool = False) -> None:
        """Open a channel without the bot."""

    def say(self, handle: str, room: Room, text: str, thread_timestamp: str = "") -> str:
        """Say something; returns its `ts`. Whoever was not in the room is let in quietly."""

    def edit(self, room: Room, timestamp: str, text: str) -> None:
        """Change what a message says. Raises NotThereError."""

    def react(self, handle: str, room: Room, timestamp: str, emoji: str) -> None:
        """Put an emoji under a message. Raises NotThereError."""

    def invite(self, handle: str, room: Room) -> None:
        """Bring somebody, the bot too, into a channel. Raises NotThereError."""

    def kick(self, handle: str, room: Room) -> None:
        """Remove somebody, the bot too, from a channel. Raises NotThereError, NotDoneError."""

    @property
    def is_busy(self) -> bool:
        """Whether something that the pack is to hear is still on its way to it."""


def mentions_replaced(text: str, written: Callable[[str, str], str | None]) -> str:
    """The text with each `@name` and `#name` as Slack writes it; `written` says how, None: it is no mention."""
    return _MENTION.sub(lambda match: written(match[1], match[2]) or match[0], text)


def nothing_called(name: str, there_are: Iterable[str]) -> NotThereError:
    """The error for an unknown name, with those that are known."""
    return NotThereError(f"there is no {name}; there are: {', '.join(there_are)}")
