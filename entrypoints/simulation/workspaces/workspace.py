"""The chat as those who talk in it see it, whichever simulated Slack is behind it."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

BOT = "flyte"
"""The bot's handle."""

_MENTION: Final = re.compile(r"(?<![\w.@#])([@#])([\w-]+(?:\.[\w-]+)*)")


class UnknownName(LookupError):
    """There is nobody and nothing of that name; the message says what there is."""


class NotAllowed(Exception):
    """The chat service does not let people do this; the message says why."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A place to talk."""

    id: str
    label: str
    """`#ops`, or `@flyte` for direct messages with the bot."""
    has_bot: bool
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message that stands in a room."""

    channel_id: str
    channel_label: str
    speaker: str
    text: str
    """As Slack has it."""
    timestamp: str
    thread_timestamp: str = ""
    """Of the message whose thread it stands in; empty for the room itself."""


@dataclass(frozen=True, slots=True)
class ChatNotice:
    """Anything else that can be seen in a room: somebody came or went, an edit, a reaction."""

    channel_id: str
    channel_label: str
    text: str
    timestamp: str = ""
    """Of the message that it is about, if it is about one."""


WorkspaceEvent: TypeAlias = ChatMessage | ChatNotice


class Workspace(Protocol):
    """People and rooms. Handles come without `@`, rooms as `#name` or `@flyte`."""

    listeners: list[Callable[[WorkspaceEvent], None]]
    """Told of all that can be seen, as it happens."""

    @property
    def handles(self) -> Sequence[str]:
        """The people, the bot not among them."""

    def conversations(self) -> Sequence[Conversation]:
        """The channels; direct messages are not listed."""

    def conversation(self, label: str, handle: str) -> Conversation:
        """A room, as somebody finds it: `@flyte` are this person's own direct messages. Raises NotThereError."""

    def encode_text(self, typed: str) -> str:
        """What somebody types, as Slack passes it on: `<@U1>` for `@alice`, `&lt;` for a less-than sign."""

    def add_person(self, handle: str) -> None:
        """Let somebody into the workspace."""

    def add_channel(self, label: str, channel_id: str = "", *, is_private: bool = False) -> None:
        """Open a channel without the bot."""

    def say(self, handle: str, room: Conversation, text: str, thread_timestamp: str = "") -> str:
        """Say something; returns its `ts`. Whoever was not in the room is let in quietly."""

    def edit(self, room: Conversation, timestamp: str, text: str) -> None:
        """Change what a message says. Raises NotThereError."""

    def react(self, handle: str, room: Conversation, timestamp: str, emoji: str) -> None:
        """Put an emoji under a message. Raises NotThereError."""

    def invite(self, handle: str, room: Conversation) -> None:
        """Bring somebody, the bot too, into a channel. Raises NotThereError."""

    def kick(self, handle: str, room: Conversation) -> None:
        """Remove somebody, the bot too, from a channel. Raises NotThereError, NotDoneError."""

    @property
    def is_busy(self) -> bool:
        """Whether something that the pack is to hear is still on its way to it."""


def replace_mentions(text: str, written: Callable[[str, str], str | None]) -> str:
    """The text with each `@name` and `#name` as Slack writes it; `written` says how, None: it is no mention."""
    return _MENTION.sub(lambda match: written(match[1], match[2]) or match[0], text)


def unknown_name(name: str, there_are: Iterable[str]) -> UnknownName:
    """The error for an unknown name, with those that are known."""
    return UnknownName(f"there is no {name}; there are: {', '.join(there_are)}")
