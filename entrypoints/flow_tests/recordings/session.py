"""A recorded session: who posted what where, where the bot came and went, and what it answered."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from adapters.recording.entries import (
    Entry,
    Identified,
    MembershipChanged,
    MessagePosted,
    MessageReceived,
    UserLookedUp,
)
from adapters.recording.schemas import load_entry
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.slack.people import escape
from entrypoints.simulation.workspaces.message_text import visible_text
from entrypoints.simulation.workspaces.workspace import BOT, replace_mentions

_MENTION: Final = re.compile(r"<([@#])(\w+)(?:\|[^<>]*)?>")
_NAMED_MENTION: Final = re.compile(r"<([@#])([\w.-]+)>")
_NOT_IN_HANDLES: Final = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """A message from a person or the bot, with names as in flow tests."""

    at: float
    """In seconds since the session began."""
    speaker: str
    room: str
    timestamp: str
    thread_timestamp: str
    text: str
    """As Slack has it, with mentions by name: `<@alice>`."""


@dataclass(frozen=True, slots=True)
class RecordedMembership:
    """The bot was invited to a channel, or removed from it."""

    at: float
    room: str
    is_member: bool


SessionEvent: TypeAlias = RecordedMessage | RecordedMembership


def read_recording(path: Path) -> Sequence[Entry]:
    """Reads the entries of a recording. Raises InvalidDocument."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InvalidDocument(f"cannot be read: {error.strerror}", str(path)) from error
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(load_entry(line))
        except ValueError as error:
            raise InvalidDocument(str(error), f"{path}:{number}") from error
    if not entries:
        raise InvalidDocument("it holds no entries", str(path))
    return entries


class Session:
    """The events of a recording, without redelivered messages and those of other bots."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._bot_id = next((entry.user_id for entry in reversed(entries) if isinstance(entry, Identified)), "")
        self.people = self._people()
        """Handles by id."""
        self.channels = self._channels()
        """Labels by id, without direct messages."""

    def participants(self) -> Iterator[tuple[str, str, UserLookedUp | None]]:
        """Yields the handle and id of everyone who posted, and their profile if it was recorded."""
        profiles = {entry.user_id: entry for entry in self._entries if isinstance(entry, UserLookedUp)}
        for user_id, handle in self.people.items():
            yield handle, user_id, profiles.get(user_id)

    def events(self) -> Iterator[SessionEvent]:
        """Yields what happened, in its order."""
        began = self._entries[0].at
        seen: set[tuple[str, str]] = set()
        is_member = dict.fromkeys(self.channels, True)  # a replay begins with the bot in all channels
        for entry in self._entries:
            seconds = (entry.at - began).total_seconds()
            match entry:
                case MessageReceived(channel_id=channel, timestamp=ts) if (
                    self._is_person(entry) and (channel, ts) not in seen
                ):
                    seen.add((channel, ts))
                    yield self._message(entry, seconds)
                case MessagePosted(timestamp=ts) if ts:
                    yield self._bot_message(entry, seconds)
                case MembershipChanged(channel_id=channel) if is_member[channel] != entry.is_member:
                    is_member[channel] = entry.is_member
                    yield RecordedMembership(seconds, self.channels[channel], entry.is_member)
                case _:
                    pass

    def typed_text(self, text: str) -> str | None:
        """Returns what a person types (`@alice`, `<`) so that Slack delivers a text; None when that is impossible."""
        plain = _NAMED_MENTION.sub(r"\1\2", text)
        typed = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        known = {"@": {*self.people.values(), BOT}, "#": {label.removeprefix("#") for label in self.channels.values()}}
        sent = replace_mentions(escape(typed), lambda sign, name: f"<{sign}{name}>" if name in known[sign] else None)
        return typed if sent == text else None

    def _is_person(self, heard: MessageReceived) -> bool:
        return bool(heard.user_id) and not heard.bot_id and heard.user_id in self.people

    def _message(self, heard: MessageReceived, seconds: float) -> RecordedMessage:
        room = f"@{BOT}" if heard.is_direct else self.channels[heard.channel_id]
        speaker, text = self.people[heard.user_id], self._with_names(heard.text)
        return RecordedMessage(seconds, speaker, room, heard.timestamp, heard.thread_timestamp, text)

    def _bot_message(self, posted: MessagePosted, seconds: float) -> RecordedMessage:
        room = self.channels.get(posted.channel_id, f"@{BOT}")
        thread = posted.fields.get("thread_ts")
        text = self._with_names(visible_text(posted.fields))
        return RecordedMessage(seconds, BOT, room, posted.timestamp, thread if isinstance(thread, str) else "", text)

    def _with_names(self, text: str) -> str:
        """Replaces ids in mentions by names."""
        names = {"@": {**self.people, self._bot_id: BOT}, "#": self.channels}
        return _MENTION.sub(
            lambda found: f"<{found[1]}{names[found[1]].get(found[2], found[2]).removeprefix('#')}>", text
        )

    def _people(self) -> dict[str, str]:
        names = {entry.user_id: entry.name for entry in self._entries if isinstance(entry, UserLookedUp)}
        heard = [entry for entry in self._entries if isinstance(entry, MessageReceived)]
        handles: dict[str, str] = {}
        for user_id in dict.fromkeys(entry.user_id for entry in heard if not entry.bot_id):
            if user_id not in ("", self._bot_id):
                handles[user_id] = _handle(names.get(user_id, ""), len(handles) + 1, [BOT, *handles.values()])
        return handles

    def _channels(self) -> dict[str, str]:
        direct = {entry.channel_id for entry in self._entries if isinstance(entry, MessageReceived) and entry.is_direct}
        used = dict.fromkeys(
            entry.channel_id
            for entry in self._entries
            if isinstance(entry, MessageReceived | MembershipChanged | MessagePosted)
        )
        return {channel_id: f"#{channel_id}" for channel_id in used if channel_id not in direct}


def _handle(name: str, number: int, taken: Sequence[str]) -> str:
    """Returns a handle that resembles a name."""
    handle = _NOT_IN_HANDLES.sub("_", name.lower()).strip("_") or f"person{number}"
    return handle if handle not in taken else f"{handle}{number}"
