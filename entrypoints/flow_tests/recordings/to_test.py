"""Turns a recorded session into a flow test: what people said is said again, and what the bot said is expected."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from adapters.recording.entries import Person
from entrypoints.flow_tests.recordings.session import RecordedMessage, Session, SessionEvent, read_recording
from entrypoints.flow_tests.recordings.unescape import typed_text
from entrypoints.simulation.workspaces.workspace import BOT

_WORTH_WAITING_SECONDS: Final = 1.0
"""Shorter pauses between what is said are left out."""
_OPENING: Final = re.compile(r"\{[{%#]|\{$")
_PLAIN: Final = re.compile(r"[A-Za-z]\w*", re.ASCII)
_UNPROMPTED: Final = "  # Nothing was said before this: raise the event that it follows from."


def flow_test_from(path: Path, folder: Path, flows: Sequence[Path], packs: Sequence[Path]) -> str:
    """A file of tests, to stand in a folder, whose test is the session in a record. Raises InvalidDocument."""
    entries = read_recording(path)
    session = Session(entries)
    steps = list(_StepWriter(session).steps())
    lines = [
        f"# What was recorded in {path.name} on {entries[0].at:%Y-%m-%d}.",
        f"flows: {_paths(flows, folder)}",
        f"packs: {_paths(packs, folder)}",
        *_section("people", {handle: _about(user_id, person) for handle, user_id, person in session.participants()}),
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
    """Writes down the steps, line by line."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._parts = list(session.events())
        self._names = _thread_names(self._parts)
        self._speaker = self._room = ""
        self._at = 0.0

    def steps(self) -> Iterator[str]:
        """The lines. Messages of the bot that follow one another are one expectation."""
        before: SessionEvent | None = None
        for part in self._parts:
            if isinstance(part, RecordedMessage) and part.speaker == BOT:
                if before is None:
                    yield _UNPROMPTED
                if not (isinstance(before, RecordedMessage) and before.speaker == BOT):
                    yield "  - expect:"
                yield from self._expected(part)
            else:
                yield from self._acted(part)
            before = part

    def _acted(self, part: SessionEvent) -> Iterator[str]:
        seconds, self._at = part.at - self._at, part.at
        if seconds >= _WORTH_WAITING_SECONDS:
            yield f"  - wait: {seconds:.0f}s"
        if isinstance(part, RecordedMessage):
            yield from self._said(part)
        else:
            yield f"  - {'invite' if part.is_member else 'remove'}: {_scalar(part.room)}"

    def _said(self, said: RecordedMessage) -> Iterator[str]:
        typed = typed_text(said.text, self._session)
        yield f"  - say: {_scalar(_literal(said.text if typed is None else typed))}"
        if typed is None:
            yield "    raw: true"
        if said.speaker != self._speaker:
            yield f"    as: {_scalar(said.speaker)}"
        yield from self._place(said)
        self._speaker, self._room = said.speaker, said.room

    def _expected(self, said: RecordedMessage) -> Iterator[str]:
        yield f"    - message: {_scalar(_literal(said.text))}"
        yield from (f"  {line}" for line in self._place(said))

    def _place(self, said: RecordedMessage) -> Iterator[str]:
        if said.room != self._room:
            yield f"    in: {_scalar(said.room)}"
        if said.thread_timestamp != said.timestamp and (said.room, said.thread_timestamp) in self._names:
            yield f"    thread: {self._names[said.room, said.thread_timestamp]}"
        if name := self._names.get((said.room, said.timestamp)):
            yield f"    id: {name}"


def _thread_names(parts: Sequence[SessionEvent]) -> Mapping[tuple[str, str], str]:
    """A name for each message, by room and `ts`, that began a thread and was recorded."""
    said = [part for part in parts if isinstance(part, RecordedMessage)]
    threads = {(part.room, part.thread_timestamp) for part in said}
    roots = [root for part in said if (root := (part.room, part.timestamp)) in threads]
    return {root: f"thread{number}" for number, root in enumerate(dict.fromkeys(roots), start=1)}


def _about(user_id: str, person: Person | None) -> Mapping[str, str]:
    known = {"id": user_id}
    if person is not None:
        known |= {"name": person.name, "title": person.title}
        known |= {"firstName": person.first_name, "lastName": person.last_name}
    return {key: value for key, value in known.items() if value}


def _section(name: str, about: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    if not about:
        return
    yield f"{name}:"
    for key, values in about.items():
        inner = ", ".join(f"{field}: {_scalar(value)}" for field, value in values.items())
        yield f"  {_scalar(key)}: {{{inner}}}"


def _paths(paths: Sequence[Path], folder: Path) -> str:
    return f"[{', '.join(_scalar(os.path.relpath(path, folder)) for path in paths)}]"


def _literal(text: str) -> str:
    """The text as a template that writes it."""
    return _OPENING.sub(lambda found: f"{{{{ '{found[0]}' }}}}", text)


def _scalar(text: str) -> str:
    """The text as YAML has it, on one line."""
    if _PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    written: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=float("inf"))
    return written.rstrip("\n")
