"""A recorded session, as people know it: who said what where, who came and went, and what the bot answered."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from adapters.recording.entries import Entry, Heard, Identified, Membership, Person, Posted
from adapters.recording.schemas import load_entry
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.workspaces.message_text import visible_text
from entrypoints.simulation.workspaces.workspace import BOT

_MENTION: Final = re.compile(r"<([@#])(\w+)(?:\|[^<>]*)?>")
_NOT_A_HANDLE: Final = re.compile(r"[^a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """Somebody, or the bot, said something. Names are as a test calls them."""

    at: float
    """Seconds since the session began."""
    speaker: str
    room: str
    timestamp: str
    thread_timestamp: str
    text: str
    """As Slack has it, with mentions by name: `<@alice>`."""


@dataclass(frozen=True, slots=True)
class RecordedMembership:
    """The bot was let into a channel, or removed from it."""

    at: float
    room: str
    is_member: bool


SessionEvent: TypeAlias = RecordedMessage | RecordedMembership


def read_recording(path: Path) -> Sequence[Entry]:
    """The entries of a record. Raises InvalidDocument."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InvalidDocument(f"cannot be read: {error.strerror}", str(path)) from error
    entries = []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(load_entry(line))
        except ValueError as error:
            raise InvalidDocument(f"{path}:{number}: {error}") from error
    if not entries:
        raise InvalidDocument("it holds no entries", str(path))
    return entries


class Session:
    """Goes through a record. What was delivered twice is told once, and what other bots say not at all."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._bot = next((entry for entry in reversed(entries) if isinstance(entry, Identified)), None)
        self.people = self._people()
        """Handles by ids."""
        self.channels = self._channels()
        """Labels by ids, those of direct messages excepted."""

    @property
    def handles(self) -> Sequence[str]:
        """Everybody who spoke, and the bot."""
        return [*self.people.values(), BOT]

    def participants(self) -> Iterator[tuple[str, str, Person | None]]:
        """Everybody who spoke: handle, id, and what Slack told of them, if it was asked."""
        known = {entry.user_id: entry for entry in self._entries if isinstance(entry, Person)}
        for user_id, handle in self.people.items():
            yield handle, user_id, known.get(user_id)

    def events(self) -> Iterator[SessionEvent]:
        """What happened, in its order."""
        began = self._entries[0].at
        told: set[tuple[str, str]] = set()
        is_member = dict.fromkeys(self.channels, True)  # as those who play it again begin
        for entry in self._entries:
            seconds = (entry.at - began).total_seconds()
            match entry:
                case Heard(channel_id=channel, timestamp=ts) if self._is_person(entry) and (channel, ts) not in told:
                    told.add((channel, ts))
                    yield self._message(entry, seconds)
                case Posted(timestamp=ts) if ts:
                    yield self._bot_message(entry, seconds)
                case Membership(channel_id=channel) if is_member[channel] != entry.is_member:
                    is_member[channel] = entry.is_member
                    yield RecordedMembership(seconds, self.channels[channel], entry.is_member)
                case _:
                    pass

    def _is_person(self, heard: Heard) -> bool:
        return bool(heard.user_id) and not heard.bot_id and heard.user_id in self.people

    def _message(self, heard: Heard, seconds: float) -> RecordedMessage:
        room = f"@{BOT}" if heard.is_direct else self.channels[heard.channel_id]
        speaker, text = self.people[heard.user_id], self._with_names(heard.text)
        return RecordedMessage(seconds, speaker, room, heard.timestamp, heard.thread_timestamp, text)

    def _bot_message(self, posted: Posted, seconds: float) -> RecordedMessage:
        room = self.channels.get(posted.channel_id, f"@{BOT}")
        thread = posted.fields.get("thread_ts")
        text = self._with_names(visible_text(posted.fields))
        return RecordedMessage(seconds, BOT, room, posted.timestamp, thread if isinstance(thread, str) else "", text)

    def _with_names(self, text: str) -> str:
        """The text with names in the place of ids in mentions."""
        names = {"@": self.people | ({self._bot.user_id: BOT} if self._bot else {}), "#": self.channels}
        return _MENTION.sub(lambda found: _mention(found[1], names[found[1]].get(found[2], found[2])), text)

    def _people(self) -> dict[str, str]:
        names = {entry.user_id: entry.name for entry in self._entries if isinstance(entry, Person)}
        spoke = dict.fromkeys(
            entry.user_id for entry in self._entries if isinstance(entry, Heard) and not entry.bot_id and entry.user_id
        )
        bot = self._bot.user_id if self._bot else ""
        handles: dict[str, str] = {}
        for user_id in spoke:
            if user_id != bot:
                handles[user_id] = _handle(names.get(user_id, ""), len(handles) + 1, [BOT, *handles.values()])
        return handles

    def _channels(self) -> dict[str, str]:
        direct = {entry.channel_id for entry in self._entries if isinstance(entry, Heard) and entry.is_direct}
        used = dict.fromkeys(
            entry.channel_id for entry in self._entries if isinstance(entry, Heard | Membership | Posted)
        )
        return {channel_id: f"#{channel_id}" for channel_id in used if channel_id not in direct}


def _mention(sign: str, name: str) -> str:
    return f"<{sign}{name.removeprefix('#')}>"


def _handle(name: str, number: int, taken: Sequence[str]) -> str:
    """A handle that reads like the name."""
    handle = _NOT_A_HANDLE.sub("_", name.lower()).strip("_") or f"person{number}"
    return handle if handle not in taken else f"{handle}{number}"
