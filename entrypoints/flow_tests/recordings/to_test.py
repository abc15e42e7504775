"""Turns a recorded session into a flow test: people post the same messages, and those of the bot are expected."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from adapters.recording.entries import ChatRequested, Entry, Registered, UserLookedUp
from entrypoints.flow_tests.recordings.activities import Activity
from entrypoints.flow_tests.recordings.session import (
    RecordedActivity,
    RecordedMembership,
    RecordedMessage,
    RecordedOutcome,
    Session,
    SessionEvent,
    read_recording,
)
from entrypoints.lint.packs import SLACK
from entrypoints.simulation.workspaces.channels import default_labels
from entrypoints.simulation.workspaces.workspace import BOT
from entrypoints.terminal_text import escape_controls_of_yaml

_MIN_PAUSE_SECONDS: Final = 1.0
"""Shorter pauses are left out."""
_PLACED: Final = ("ephemeral", "file")
"""The expectations besides messages that have a room."""
_TEMPLATE_OPENING: Final = re.compile(r"\{[{%#]|\{$")
_PLAIN: Final = re.compile(r"[A-Za-z]\w*", re.ASCII)
_UNPROMPTED: Final = "  # No message came before this: raise the event that caused it."


def flow_test_from(path: Path, folder: Path, flows: Sequence[Path], packs: Sequence[Path]) -> str:
    """Returns a file of flow tests, to be written to a folder, with the session in a recording as its only test.

    Raises InvalidDocument.
    """
    entries = read_recording(path)
    session = Session(entries, default_labels())
    writer = _StepWriter(session)
    steps = list(writer.steps())
    lines = [
        f"# Recorded in {path.name} on {entries[0].at:%Y-%m-%d}.",
        f"flows: {_paths(flows, folder)}",
        f"packs: {_paths(packs, folder)}",
        *_section("people", {handle: _profile(user_id, person) for handle, user_id, person in session.participants()}),
        *_section("channels", {label: {"id": id_} for id_, label in session.given_channels.items()}),
        *_settings(entries, receives_edits=writer.has_changes),
        f"start: {_scalar(entries[0].at.strftime('%Y-%m-%dT%H:%M:%SZ'))}",
        "",
        "tests:",
        f"- name: {_scalar(path.stem)}",
        "  steps:",
        *(steps or ["  - expect: nothing"]),
    ]
    return "\n".join(lines) + "\n"


class _StepWriter:
    """Writes the steps of a session's test, line by line."""

    def __init__(self, session: Session) -> None:
        self._session = session
        events = list(session.events())
        self._names = _message_names(events)
        self._events = [event for event in events if self._is_expressible(event)]
        self._speaker = self._room = ""
        self._at = 0.0

    def steps(self) -> Iterator[str]:
        """Yields the lines. Consecutive actions of the bot are one expectation."""
        previous: SessionEvent | None = None
        for event in self._events:
            if _is_of_bot(event):
                if previous is None:
                    yield _UNPROMPTED
                if previous is None or not _is_of_bot(previous):
                    yield "  - expect:"
                lines = self._expected_message(event) if isinstance(event, RecordedMessage) else self._expected(event)
                yield from (f"  {line}" for line in lines)
            else:
                yield from self._action(event)
            previous = event

    @property
    def has_changes(self) -> bool:
        """Whether people edit or delete messages."""
        activities = (event.activity.kind for event in self._events if isinstance(event, RecordedActivity))
        return any(kind in ("edit", "delete") for kind in activities)

    def _is_expressible(self, event: SessionEvent) -> bool:
        """Whether a step can express it: messages that were not recorded have no name, and cannot be deleted."""
        match event:
            case RecordedActivity(room=room, activity=Activity(kind="delete", timestamp=timestamp)):
                return (room, timestamp) in self._names
            case RecordedOutcome(room=room, expected=Activity(kind="deletion", timestamp=timestamp)):
                return (room, timestamp) in self._names
            case _:
                return True

    def _expected_message(self, message: RecordedMessage) -> Iterator[str]:
        text: object = {"contains": message.text} if message.is_partial else message.text
        if message.recipient in ("", self._speaker) and message.room in (self._room, *self._session.channels.values()):
            yield f"  - message: {_value(text)}"
            yield from self._place(message)
        else:
            yield f"  - direct: {_value(text)}"
            yield f"    to: {_scalar(message.recipient)}"
            yield from self._thread(message)

    def _expected(self, outcome: SessionEvent) -> Iterator[str]:
        if not isinstance(outcome, RecordedOutcome):
            return
        expected, target = outcome.expected, self._names.get((outcome.room, outcome.expected.timestamp))
        if expected.kind == "deletion":
            yield f"  - deletion: {target}"
            return
        yield f"  - {expected.kind}: {_value(expected.value)}"
        if target:
            yield f"    of: {target}"
        if outcome.viewer:
            yield f"    to: {_scalar(outcome.viewer)}"
        if outcome.room not in ("", self._room) and expected.kind in _PLACED:
            yield f"    in: {_scalar(outcome.room)}"
        yield from (f"    {name}: {_value(value)}" for name, value in expected.options.items() if value)

    def _action(self, event: SessionEvent) -> Iterator[str]:
        seconds, self._at = event.at - self._at, event.at
        if seconds >= _MIN_PAUSE_SECONDS:
            yield f"  - wait: {seconds:.0f}s"
        match event:
            case RecordedMessage():
                yield from self._say(event)
            case RecordedActivity():
                yield from self._activity(event)
            case RecordedMembership():
                yield f"  - {'invite' if event.is_member else 'remove'}: {_scalar(event.room)}"

    def _say(self, message: RecordedMessage) -> Iterator[str]:
        typed = self._session.typed_text(message.text)
        text = _scalar(_literal(message.text if typed is None else typed))
        if message.files:
            yield f"  - upload: {_scalar(message.files[0])}"
            yield from ([f"    text: {text}"] if message.text else [])
        else:
            yield f"  - say: {text}"
            yield from (["    raw: true"] if typed is None else [])
        yield from self._speaking(message.speaker)
        yield from self._place(message)
        self._room = message.room

    def _activity(self, done: RecordedActivity) -> Iterator[str]:
        activity, target = done.activity, self._names.get((done.room, done.activity.timestamp))
        if activity.kind == "delete":
            yield f"  - delete: {target}"
        else:
            typed = self._session.typed_text(activity.value) if activity.kind == "edit" else None
            yield f"  - {activity.kind}: {_value(typed or activity.value)}"
            yield from ([f"    of: {target}"] if target else [])
        yield from self._speaking(done.speaker)
        if done.room not in ("", self._room):
            yield f"    in: {_scalar(done.room)}"
            self._room = done.room
        yield from (f"    {name}: {_value(value)}" for name, value in activity.options.items())

    def _speaking(self, speaker: str) -> Iterator[str]:
        if speaker != self._speaker:
            yield f"    as: {_scalar(speaker)}"
        self._speaker = speaker

    def _place(self, message: RecordedMessage) -> Iterator[str]:
        if message.room != self._room:
            yield f"    in: {_scalar(message.room)}"
        yield from self._thread(message)

    def _thread(self, message: RecordedMessage) -> Iterator[str]:
        thread = (message.room, message.thread_timestamp)
        if message.thread_timestamp != message.timestamp and thread in self._names:
            yield f"    thread: {self._names[thread]}"
        if name := self._names.get((message.room, message.timestamp)):
            yield f"    id: {name}"


def _is_of_bot(event: SessionEvent) -> bool:
    return isinstance(event, RecordedOutcome) or (isinstance(event, RecordedMessage) and event.speaker == BOT)


def _message_names(events: Sequence[SessionEvent]) -> Mapping[tuple[str, str], str]:
    """Names each recorded message that began a thread or that something is about, by room and `ts`."""
    messages = [event for event in events if isinstance(event, RecordedMessage)]
    roots = {(message.room, message.thread_timestamp) for message in messages}
    targets = {(event.room, event.activity.timestamp) for event in events if isinstance(event, RecordedActivity)}
    targets |= {(event.room, event.expected.timestamp) for event in events if isinstance(event, RecordedOutcome)}
    known = dict.fromkeys((message.room, message.timestamp) for message in messages)
    threads = {one: f"thread{number}" for number, one in enumerate([one for one in known if one in roots], start=1)}
    others = [one for one in known if one in targets and one not in threads]
    return threads | {one: f"message{number}" for number, one in enumerate(others, start=1)}


def _settings(entries: Sequence[Entry], *, receives_edits: bool) -> Iterator[str]:
    """Yields the settings without which the pack would do something else than in the recording."""
    packs = [entry for entry in entries if isinstance(entry, Registered)]
    labels = packs[-1].labels if packs else {}
    calls = (entry.fields for entry in entries if isinstance(entry, ChatRequested) and entry.request == "call_method")
    settings = {
        "PACK_NAME": packs[-1].pack if packs and packs[-1].pack != SLACK else "",
        "FLYTE_LABELS": ",".join(f"{key}={value}" for key, value in labels.items()),
        "FLYTE_SLACK_ALLOWED_METHODS": ",".join(dict.fromkeys(str(fields["method"]) for fields in calls)),
        "FLYTE_SLACK_RECEIVE_EDITS": receives_edits,
    }
    if given := {name: value for name, value in settings.items() if value}:
        yield f"settings: {_value(given)}"


def _profile(user_id: str, person: UserLookedUp | None) -> Mapping[str, str]:
    profile = {"id": user_id}
    if person is not None:
        profile |= {"name": person.name, "title": person.title}
        profile |= {"firstName": person.first_name, "lastName": person.last_name}
    return {key: value for key, value in profile.items() if value}


def _section(name: str, entries: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    if entries:
        yield f"{name}:"
    for key, values in entries.items():
        inner = ", ".join(f"{field}: {_scalar(value)}" for field, value in values.items())
        yield f"  {_scalar(key)}: {{{inner}}}"


def _paths(paths: Sequence[Path], folder: Path) -> str:
    return f"[{', '.join(_scalar(os.path.relpath(path, folder)) for path in paths)}]"


def _literal(text: str) -> str:
    """Returns a template that renders to a text."""
    return _TEMPLATE_OPENING.sub(lambda found: f"{{{{ '{found[0]}' }}}}", text)


def _value(value: Any) -> str:
    """Formats a value of a step or an expectation on one line; its texts are literal."""
    match value:
        case str():
            return _scalar(_literal(value))
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{{', '.join(f'{_scalar(name)}: {_value(inner)}' for name, inner in value.items())}}}"
        case _:
            return str(value).lower()


def _scalar(text: str) -> str:
    """Formats a text as a YAML scalar on one line."""
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    written: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf"))
    return escape_controls_of_yaml(written.rstrip("\n"))
