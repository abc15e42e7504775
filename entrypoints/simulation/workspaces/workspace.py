"""The chat workspace as its people see it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from entrypoints.simulation.slack.server import SlackServer

BOT = "flyte"
"""The bot's handle."""

_MENTION: Final = re.compile(r"(?<![\w.@#])([@#])([\w-]+(?:\.[\w-]+)*)")


class UnknownName(LookupError):
    """There is no person, channel or message of that name; the message lists the known names."""


class NotAllowed(Exception):
    """The chat service does not allow this; the message says why."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A channel or direct messages with the bot."""

    id: str
    label: str
    """`#ops`, or `@flyte` for direct messages."""
    has_bot: bool
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message in a conversation."""

    channel_id: str
    channel_label: str
    speaker: str
    text: str
    """As Slack encodes it."""
    timestamp: str
    thread_timestamp: str = ""
    """The timestamp of the thread's parent; empty outside threads."""
    viewer: str = ""
    """Who alone sees it; empty if everybody in the conversation does."""
    content: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)
    """Its fields in Slack."""

    @property
    def files(self) -> Sequence[Mapping[str, object]]:
        """The files that it shares."""
        files = self.content.get("files")
        return files if isinstance(files, list) else ()


@dataclass(frozen=True, slots=True)
class ChatNotice:
    """Anything else that is visible in a conversation: a person joined or left, an edit, a reaction."""

    channel_id: str
    channel_label: str
    text: str
    timestamp: str = ""
    """The timestamp of the message that the notice is about, if any."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that a person uploads, with a text beside it."""

    name: str
    content: bytes
    text: str = ""
    """As Slack encodes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageChanged(ChatNotice):
    """A message was edited, updated by the bot, or deleted."""

    editor: str
    """Empty for a deletion, whose actor Slack does not tell."""
    message: ChatMessage | None
    """As it is now; None if it was deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionChanged(ChatNotice):
    """A reaction was added or removed."""

    speaker: str
    emoji: str
    is_added: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewShown(ChatNotice):
    """A modal or the Home tab of a person changed."""

    viewer: str
    view: Mapping[str, object] = field(compare=False, repr=False)
    """As in Slack."""
    change: str
    """`opened`, `pushed`, `updated`, `published`, `closed`, `refused` or `failed`."""

    @property
    def is_visible(self) -> bool:
        """Whether the app shows something new."""
        return self.change in ("opened", "pushed", "updated", "published")


WorkspaceEvent: TypeAlias = ChatMessage | ChatNotice


class Workspace(Protocol):
    """People and conversations. Handles have no `@`; conversations are called `#name` or `@flyte`."""

    listeners: list[Callable[[WorkspaceEvent], None]]
    """Called with everything that is visible, as it happens."""
    slack: "SlackServer"
    """Where people use the app."""

    @property
    def handles(self) -> Sequence[str]:
        """The people's handles, without the bot's."""

    def conversations(self) -> Sequence[Conversation]:
        """Returns the channels, without direct messages."""

    def conversation(self, label: str, handle: str) -> Conversation:
        """Returns a conversation; `@flyte` means this person's own direct messages. Raises UnknownName."""

    def encode_text(self, typed: str) -> str:
        """Returns a typed text as Slack encodes it: `<@U1>` for `@alice`, `&lt;` for a less-than sign."""

    def add_person(self, handle: str) -> None:
        """Adds a person to the workspace."""

    def add_channel(self, label: str, channel_id: str = "", *, is_private: bool = False) -> None:
        """Creates a channel without the bot."""

    def say(self, handle: str, conversation: Conversation, text: str, thread_timestamp: str = "") -> str:
        """Posts a message; returns its `ts`. A person who is not a member joins without a notice."""

    def edit(self, conversation: Conversation, timestamp: str, text: str) -> None:
        """Changes a message's text. Raises UnknownName."""

    def react(self, handle: str, conversation: Conversation, timestamp: str, emoji: str) -> None:
        """Adds a reaction to a message. Raises UnknownName."""

    def toggle_reaction(self, handle: str, conversation: Conversation, timestamp: str, emoji: str) -> bool:
        """Adds a reaction to a message, or removes it if the person has added it before; returns whether it was added.

        Raises UnknownName.
        """

    def delete(self, conversation: Conversation, timestamp: str) -> None:
        """Deletes a message. Raises UnknownName."""

    def upload(self, handle: str, conversation: Conversation, file: UploadedFile, thread_timestamp: str = "") -> str:
        """Posts a message with a file; returns its `ts`."""

    def invite(self, handle: str, conversation: Conversation) -> None:
        """Adds a person or the bot to a channel. Raises UnknownName."""

    def kick(self, handle: str, conversation: Conversation) -> None:
        """Removes a person or the bot from a channel. Raises UnknownName, NotAllowed."""

    @property
    def is_busy(self) -> bool:
        """Whether an event or an interaction is not acknowledged by the pack yet."""


def replace_mentions(text: str, encode: Callable[[str, str], str | None]) -> str:
    """Returns the text with each `@name` and `#name` replaced by `encode(sign, name)`, unless that is None."""
    return _MENTION.sub(lambda match: encode(match[1], match[2]) or match[0], text)


def unknown_name(name: str, known: Iterable[str]) -> UnknownName:
    """Returns the error for an unknown name."""
    return UnknownName(f"there is no {name}; there are: {', '.join(known)}")
