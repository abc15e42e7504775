"""A recorded session: who posted what where, where the bot came and went, and what it answered."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from adapters.recording.entries import (
    ActionCompleted,
    ActionTaken,
    ChatRequested,
    Entry,
    EventReceived,
    Identified,
    MembershipChanged,
    MessagePosted,
    MessageReceived,
    UserLookedUp,
)
from adapters.recording.schemas import load_entry
from entrypoints.flow_tests.recordings.activities import Activity, activity_of
from entrypoints.flow_tests.recordings.outcomes import Cast, Outcome, outcome_of
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
    recipient: str = ""
    """Whose direct messages the bot's message is in; empty for a channel."""
    files: Sequence[str] = ()
    """The names of the files that it shares."""
    is_partial: bool = False
    """Whether only the text is known, and not what else the bot's message consists of."""


@dataclass(frozen=True, slots=True)
class RecordedMembership:
    """The bot was invited to a channel, or removed from it."""

    at: float
    room: str
    is_member: bool


@dataclass(frozen=True, slots=True)
class RecordedActivity:
    """A person did something else than posting a message."""

    at: float
    speaker: str
    room: str
    """Empty in a modal, and for a global shortcut."""
    activity: Activity


@dataclass(frozen=True, slots=True)
class RecordedOutcome:
    """The bot did something else than posting a message."""

    at: float
    room: str
    """Empty for a modal or a Home tab."""
    viewer: str
    """Who alone sees it; empty if everybody does."""
    expected: Activity


SessionEvent: TypeAlias = RecordedMessage | RecordedMembership | RecordedActivity | RecordedOutcome


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

    def __init__(self, entries: Sequence[Entry], labels: Mapping[str, str] = MappingProxyType({})) -> None:
        """`labels` are those of known channels, by id; others are called by their ids."""
        self._entries = entries
        self._labels = labels
        self._posted = {
            (entry.channel_id, entry.timestamp)
            for entry in entries
            if isinstance(entry, MessagePosted) and not entry.error
        }
        self._direct: dict[str, str] = {}
        """Whose direct messages they are: user ids by channel."""
        for channel_id, user_id in _direct_messages(entries):
            self._direct[channel_id] = self._direct.get(channel_id) or user_id
        self._bot_id = next((entry.user_id for entry in reversed(entries) if isinstance(entry, Identified)), "")
        self.people = self._people()
        """Handles by id."""
        self._created = dict(_created_channels(entries))
        self.channels = self._channels()
        """Labels by id, without direct messages."""

    @property
    def given_channels(self) -> Mapping[str, str]:
        """Labels by id of the channels that no flow created."""
        return {channel_id: label for channel_id, label in self.channels.items() if channel_id not in self._created}

    def participants(self) -> Iterator[tuple[str, str, UserLookedUp | None]]:
        """Yields the handle and id of everyone who posted, and their profile if it was recorded."""
        profiles = {entry.user_id: entry for entry in self._entries if isinstance(entry, UserLookedUp)}
        for user_id, handle in self.people.items():
            yield handle, user_id, profiles.get(user_id)

    def events(self) -> Iterator[SessionEvent]:
        """Yields what happened, in its order."""
        began, cast = self._entries[0].at, Cast()
        seen: set[tuple[str, str]] = set()
        is_member = dict.fromkeys(self.channels, True)  # a replay begins with the bot in all channels
        for entry in self._entries:
            seconds = (entry.at - began).total_seconds()
            match entry:
                case MessageReceived(channel_id=channel, timestamp=ts) if (channel, ts) not in seen:
                    seen.add((channel, ts))
                    yield from self._received(entry, seconds, cast)
                case MessagePosted(timestamp=ts) if ts:
                    cast.contents[entry.channel_id, ts] = entry.fields
                    yield self._bot_message(entry, seconds)
                case MembershipChanged(channel_id=channel) if is_member.get(channel) is (not entry.is_member):
                    is_member[channel] = entry.is_member
                    yield RecordedMembership(seconds, self.channels[channel], entry.is_member)
                case EventReceived() if (activity := self._activity(entry, seconds, cast)) is not None:
                    yield activity
                case ActionTaken(action=action_id, command="UploadFile", input=dict() as fields):
                    cast.uploads[action_id] = fields
                case ActionCompleted(action=action_id):
                    cast.uploads.pop(action_id, None)
                case ChatRequested(error="") if (outcome := outcome_of(entry.request, entry.fields, cast)) is not None:
                    yield self._outcome(outcome, seconds)
                case _:
                    pass

    def typed_text(self, text: str) -> str | None:
        """Returns what a person types (`@alice`, `<`) so that Slack delivers a text; None when that is impossible."""
        plain = _NAMED_MENTION.sub(r"\1\2", text)
        typed = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        known = {"@": {*self.people.values(), BOT}, "#": {label.removeprefix("#") for label in self.channels.values()}}
        sent = replace_mentions(escape(typed), lambda sign, name: f"<{sign}{name}>" if name in known[sign] else None)
        return typed if sent == text else None

    def _received(self, heard: MessageReceived, seconds: float, cast: Cast) -> Iterator[RecordedMessage]:
        if heard.user_id in self.people and not heard.bot_id:
            cast.user_id, cast.channel_id = heard.user_id, heard.channel_id
            yield self._message(heard, seconds)
            return
        is_posted = (heard.channel_id, heard.timestamp) in self._posted
        if heard.user_id == self._bot_id and not is_posted and not heard.files:  # a file is an outcome
            yield self._unposted(heard, seconds)

    def _unposted(self, heard: MessageReceived, seconds: float) -> RecordedMessage:
        """Returns a message of the bot that Slack posted later, or to the address of an interaction."""
        return RecordedMessage(
            seconds,
            BOT,
            self._room(heard.channel_id),
            heard.timestamp,
            heard.thread_timestamp,
            self._with_names(heard.text),
            recipient=self._recipient(heard.channel_id),
            is_partial=True,
        )

    def _activity(self, entry: EventReceived, seconds: float, cast: Cast) -> RecordedActivity | None:
        content = entry.content if isinstance(entry.content, dict) else {}
        activity = activity_of(entry.event, content)
        user_id, channel_id = str(content.get("user_id", "")), str(content.get("channel_id", ""))
        if activity is None or user_id not in self.people:
            return None
        cast.user_id, cast.channel_id, cast.timestamp = user_id, channel_id, activity.timestamp
        room = self._room(channel_id) if channel_id else ""
        return RecordedActivity(seconds, self.people[user_id], room, self._named(activity))

    def _outcome(self, outcome: Outcome, seconds: float) -> RecordedOutcome:
        room = self._room(outcome.channel_id) if outcome.channel_id else ""
        viewer = self.people.get(outcome.user_id, outcome.user_id)
        return RecordedOutcome(seconds, room, viewer, self._named(outcome.expected))

    def _named(self, activity: Activity) -> Activity:
        """Returns an activity with names in its texts."""
        value = activity.value
        return replace(activity, value=self._with_names(value) if isinstance(value, str) else value)

    def _room(self, channel_id: str) -> str:
        return self.channels.get(channel_id, f"@{BOT}")

    def _recipient(self, channel_id: str) -> str:
        return self.people.get(self._direct.get(channel_id, ""), "")

    def _message(self, heard: MessageReceived, seconds: float) -> RecordedMessage:
        room = self._room(heard.channel_id)
        speaker, text = self.people[heard.user_id], self._with_names(heard.text)
        files = [str(file["name"]) for file in heard.files if isinstance(file, dict)]
        return RecordedMessage(seconds, speaker, room, heard.timestamp, heard.thread_timestamp, text, files=files)

    def _bot_message(self, posted: MessagePosted, seconds: float) -> RecordedMessage:
        thread = posted.fields.get("thread_ts")
        return RecordedMessage(
            seconds,
            BOT,
            self._room(posted.channel_id),
            posted.timestamp,
            thread if isinstance(thread, str) else "",
            self._with_names(visible_text(posted.fields)),
            recipient=self._recipient(posted.channel_id),
        )

    def _with_names(self, text: str) -> str:
        """Replaces ids in mentions by names."""
        names = {"@": {**self.people, self._bot_id: BOT}, "#": self.channels}
        return _MENTION.sub(
            lambda found: f"<{found[1]}{names[found[1]].get(found[2], found[2]).removeprefix('#')}>", text
        )

    def _people(self) -> dict[str, str]:
        names = {entry.user_id: entry.name for entry in self._entries if isinstance(entry, UserLookedUp)}
        handles: dict[str, str] = {}
        for user_id in dict.fromkeys(_user_id(entry) for entry in self._entries):
            if user_id not in ("", self._bot_id):
                handles[user_id] = _handle(names.get(user_id, ""), len(handles) + 1, [BOT, *handles.values()])
        return handles

    def _channels(self) -> dict[str, str]:
        used = dict.fromkeys(filter(None, (_channel_id(entry) for entry in self._entries)))
        labels = {**self._labels, **self._created}
        return {one: labels.get(one, f"#{one}") for one in used if one not in self._direct}


def _user_id(entry: Entry) -> str:
    """Returns the person whose action an entry records; empty for an entry of a bot or without a person."""
    match entry:
        case MessageReceived(bot_id="", user_id=user_id):
            return user_id
        case EventReceived(content={"user_id": str() as user_id}):
            return user_id
        case _:
            return ""


def _channel_id(entry: Entry) -> str:
    match entry:
        case MessageReceived(channel_id=channel_id) | MembershipChanged(channel_id=channel_id):
            return channel_id
        case MessagePosted(channel_id=channel_id):
            return channel_id
        case EventReceived(content={"channel_id": str() as channel_id}):
            return channel_id
        case ChatRequested(error="", fields={"channel_id": str() as channel_id}):
            return channel_id
        case _:
            return ""


def _created_channels(entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """Yields the ids and labels of channels that were created by `CallSlack`."""
    for entry in entries:
        match entry:
            case ActionCompleted(
                event="SlackCalled",
                payload={
                    "method": "conversations.create",
                    "response": {"channel": {"id": str(id_), "name": str(name)}},
                },
            ):
                yield id_, f"#{name}"
            case _:
                pass


def _direct_messages(entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """Yields the direct messages with the ids of their users."""
    opened = ""
    for entry in entries:
        match entry:
            case MessageReceived(is_direct=True, bot_id="", channel_id=channel_id, user_id=user_id):
                yield channel_id, user_id
            case ChatRequested(request="open_direct", error="", fields={"user_id": str() as user_id}):
                opened = user_id
            case MessagePosted(channel_id=channel_id) if channel_id.startswith("D") and opened:
                yield channel_id, opened
                opened = ""
            case _ if _channel_id(entry).startswith("D"):
                yield _channel_id(entry), _user_id(entry)
            case _:
                pass


def _handle(name: str, number: int, taken: Sequence[str]) -> str:
    """Returns a handle that resembles a name, with the first number from `number` on that makes it unique."""
    handle = _NOT_IN_HANDLES.sub("_", name.lower()).strip("_") or f"person{number}"
    candidates = chain([handle], (f"{handle}{one}" for one in count(number)))
    return next(candidate for candidate in candidates if candidate not in taken)
