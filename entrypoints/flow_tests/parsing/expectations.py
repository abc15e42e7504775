"""Reads what a flow test expects to happen."""

from collections.abc import Mapping
from typing import Final

from entrypoints.flow_tests.model import Expected, ExpectedCommand, ExpectedEvent, ExpectedMessage, Timing
from entrypoints.flow_tests.parsing.references import Vocabulary
from entrypoints.flow_tests.parsing.strict_reader import StrictReader
from entrypoints.simulation.flyte.documents import KeyPath

_KEYS: Final = {
    "message": ("message", "in", "thread", "fields", "id", "within", "after"),
    "command": ("command", "pack", "input", "within", "after"),
    "event": ("event", "pack", "payload", "within", "after"),
}


def read_expectation(
    reader: StrictReader, vocabulary: Vocabulary, raw: object, path: KeyPath, within_seconds: float
) -> Expected:
    """What is expected at a place: a message (a text of its own will do), a command or an event."""
    if isinstance(raw, str):
        return ExpectedMessage(
            line=reader.line(path), text=reader.template(raw, path), timing=Timing(within=within_seconds)
        )
    kind = _kind(reader, raw, path)
    wanted = reader.mapping(raw, path, _KEYS[kind])
    timing = _timing(reader, wanted, path, within_seconds)
    if kind == "command":
        return ExpectedCommand(
            line=reader.line(path),
            command=reader.text(wanted, "command", path),
            pack=reader.text(wanted, "pack", path, ""),
            input=reader.tree(wanted.get("input"), (*path, "input")),
            timing=timing,
        )
    if kind == "event":
        return ExpectedEvent(
            line=reader.line(path),
            event=reader.text(wanted, "event", path),
            pack=reader.text(wanted, "pack", path, ""),
            payload=reader.tree(wanted.get("payload"), (*path, "payload")),
            timing=timing,
        )
    return _message(reader, vocabulary, wanted, path, timing)


def _message(
    reader: StrictReader, vocabulary: Vocabulary, wanted: Mapping[str, object], path: KeyPath, timing: Timing
) -> ExpectedMessage:
    text = wanted.get("message")
    if not isinstance(text, str | dict | None):
        raise reader.refusal((*path, "message"), "a text expected, or an object with 'matches' or 'contains'")
    if isinstance(text, dict):
        reader.mapping(text, (*path, "message"), ("matches", "contains"))
    return ExpectedMessage(
        line=reader.line(path),
        text=reader.tree(text, (*path, "message")),
        room=vocabulary.room(wanted, "in", path),
        thread=vocabulary.message(wanted, path),
        fields=reader.tree(wanted.get("fields"), (*path, "fields")),
        name=vocabulary.new_name(wanted, path),
        timing=timing,
    )


def _kind(reader: StrictReader, raw: object, path: KeyPath) -> str:
    if not isinstance(raw, dict) or not raw:
        raise reader.refusal(path, "a text expected, or an object with 'message', 'command' or 'event'")
    for kind in _KEYS:
        if kind in raw:
            return kind
    first = str(next(iter(raw)))
    return reader.known(first, _KEYS, (*path, first), "kind of expectation")


def _timing(reader: StrictReader, wanted: Mapping[str, object], path: KeyPath, usual_seconds: float) -> Timing:
    within, after = (reader.seconds(wanted, key, path) for key in ("within", "after"))
    timing = Timing(within=usual_seconds if within is None else within, after=after or 0.0)
    if timing.after > timing.within:
        raise reader.refusal((*path, "after"), f"after {timing.after:g} s can't be within {timing.within:g} s")
    return timing
