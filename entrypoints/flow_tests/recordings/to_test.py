"""Turns a recorded session into a flow test: people post the same messages, and those of the bot are expected."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from adapters.recording.entries import UserLookedUp
from entrypoints.flow_tests.recordings.session import RecordedMessage, Session, SessionEvent, read_recording
from entrypoints.simulation.workspaces.workspace import BOT
from entrypoints.terminal_text import escape_controls_of_yaml

_MIN_PAUSE_SECONDS: Final = 1.0
"""Shorter pauses are left out."""
_TEMPLATE_OPENING: Final = re.compile(r"\{[{%#]|\{$")
_PLAIN: Final = re.compile(r"[A-Za-z]\w*", re.ASCII)
_UNPROMPTED: Final = "  # No message came before this: raise the event that caused it."


def flow_test_from(path: Path, folder: Path, flows: Sequence[Path], packs: Sequence[Path]) -> str:
    """Returns a file of flow tests, to be written to a folder, with the session in a recording as its only test.

    Raises InvalidDocument.
    """
    entries = read_recording(path)
    session = Session(entries)
    steps = list(_StepWriter(session).steps())
    lines = [
        f"# Recorded in {path.name} on {entries[0].at:%Y-%m-%d}.",
        f"flows: {_paths(flows, folder)}",
        f"packs: {_paths(packs, folder)}",
        *_section("people", {handle: _profile(user_id, person) for handle, user_id, person in session.participants()}),
        *_section("channels", {label: {"id": channel_id} for channel_id, label in session.channels.items()}),
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
        self._events = list(session.events())
        self._names = _thread_names(self._events)
        self._speaker = self._room = ""
        self._at = 0.0

    def steps(self) -> Iterator[str]:
        """Yields the lines. Consecutive messages of the bot are one expectation."""
        previous: SessionEvent | None = None
        for event in self._events:
            if isinstance(event, RecordedMessage) and event.speaker == BOT:
                if previous is None:
                    yield _UNPROMPTED
                if not (isinstance(previous, RecordedMessage) and previous.speaker == BOT):
                    yield "  - expect:"
                yield f"    - message: {_scalar(_literal(event.text))}"
                yield from (f"  {line}" for line in self._place(event))
            else:
                yield from self._action(event)
            previous = event

    def _action(self, event: SessionEvent) -> Iterator[str]:
        seconds, self._at = event.at - self._at, event.at
        if seconds >= _MIN_PAUSE_SECONDS:
            yield f"  - wait: {seconds:.0f}s"
        if isinstance(event, RecordedMessage):
            yield from self._say(event)
        else:
            yield f"  - {'invite' if event.is_member else 'remove'}: {_scalar(event.room)}"

    def _say(self, message: RecordedMessage) -> Iterator[str]:
        typed = self._session.typed_text(message.text)
        yield f"  - say: {_scalar(_literal(message.text if typed is None else typed))}"
        if typed is None:
            yield "    raw: true"
        if message.speaker != self._speaker:
            yield f"    as: {_scalar(message.speaker)}"
        yield from self._place(message)
        self._speaker, self._room = message.speaker, message.room

    def _place(self, message: RecordedMessage) -> Iterator[str]:
        if message.room != self._room:
            yield f"    in: {_scalar(message.room)}"
        thread = (message.room, message.thread_timestamp)
        if message.thread_timestamp != message.timestamp and thread in self._names:
            yield f"    thread: {self._names[thread]}"
        if name := self._names.get((message.room, message.timestamp)):
            yield f"    id: {name}"


def _thread_names(events: Sequence[SessionEvent]) -> Mapping[tuple[str, str], str]:
    """Names each recorded message that began a thread, by room and `ts`."""
    messages = [event for event in events if isinstance(event, RecordedMessage)]
    threads = {(message.room, message.thread_timestamp) for message in messages}
    roots = [root for message in messages if (root := (message.room, message.timestamp)) in threads]
    return {root: f"thread{number}" for number, root in enumerate(dict.fromkeys(roots), start=1)}


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


def _scalar(text: str) -> str:
    """Formats a text as a YAML scalar on one line."""
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    written: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf"))
    return escape_controls_of_yaml(written.rstrip("\n"))
