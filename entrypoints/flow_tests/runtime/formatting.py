"""Formats expectations, and what happened, as lines of a diff."""

import json
from collections.abc import Iterator
from typing import Final, assert_never

from entrypoints.flow_tests.expected import (
    Expected,
    ExpectedCommand,
    ExpectedDeletion,
    ExpectedDirectMessage,
    ExpectedEphemeral,
    ExpectedEvent,
    ExpectedFile,
    ExpectedHome,
    ExpectedMessage,
    ExpectedModal,
    ExpectedReaction,
    ExpectedUpdate,
    Visible,
)
from entrypoints.flow_tests.runtime.names import Names, Scene
from entrypoints.flow_tests.runtime.observed import CommandSent, EventSent
from entrypoints.simulation.console.output import Line, Span
from entrypoints.simulation.flyte.step_evaluator import RenderError
from entrypoints.simulation.workspaces.workspace import BOT

_MAX_LENGTH: Final = 300
_STYLES: Final = {"+": "good", "-": "bad"}


def diff_line(mark: str, line: Line) -> Line:
    """Marks a line: `-` for what was expected and did not happen, `+` for what happened instead."""
    style = _STYLES.get(mark)
    spans = [Span(span.text, style) for span in line.spans] if style else line.spans
    return Line([Span(f"{mark} ", style or ""), *spans], line.indent + 2)


def expected_line(expected: Expected, names: Names, scene: Scene) -> Line:
    """Formats an expectation like the thing itself; the scene has the defaults."""
    try:
        return _expected_line(expected, names, scene)
    except RenderError as failure:
        return Line([Span(f"(a template in line {expected.line} cannot be rendered: {failure.error.message})")])


def _expected_line(expected: Expected, names: Names, scene: Scene) -> Line:
    match expected:
        case ExpectedCommand(pack=pack, command=command):
            return _line(f"command {pack or '(any pack)'} {command}", names.render(expected.input))
        case ExpectedEvent(pack=pack, event=event):
            return _line(f"event {pack or '(any pack)'} {event}", names.render(expected.payload))
        case ExpectedReaction(emoji=emoji, message=message, is_removed=is_removed):
            verb = "removes" if is_removed else "reacts with"
            return Line([Span(f"{BOT} {verb} :{emoji.strip(':')}: ({_target(message)})")])
        case ExpectedDeletion(message=message):
            return Line([Span(f"{BOT} deletes {_target(message)}")])
        case _:
            head = _head(expected, names, scene)
            return Line([Span(head), *_content(expected, names)], len(head))


def _head(expected: Visible, names: Names, scene: Scene) -> str:
    match expected:
        case ExpectedMessage(room=room, thread=thread):
            head = f"{room or scene.room} {names.thread_label(thread)}{BOT}"
        case ExpectedEphemeral(room=room, thread=thread, person=person):
            viewer = f"(only {person or scene.person} sees it) "
            head = f"{room or scene.room} {names.thread_label(thread)}{viewer}{BOT}"
        case ExpectedDirectMessage(person=person, thread=thread):
            head = f"@{BOT} {names.thread_label(thread)}(to {person or scene.person}) {BOT}"
        case ExpectedUpdate(message=message):
            head = f"{BOT} updates {_target(message)}"
        case ExpectedModal(title=title, person=person):
            head = f"{person or scene.person} sees the modal {_text(title, names)}"
        case ExpectedHome(person=person):
            head = f"{person or scene.person} sees the Home tab"
        case ExpectedFile(filename=filename, room=room, thread=thread):
            head = f"{room or scene.room} {names.thread_label(thread)}{BOT} shares the file {_text(filename, names)}"
        case _:
            assert_never(expected)
    return f"{head}: "


def observed_line(observed: CommandSent | EventSent) -> Line:
    """Formats a command or an event."""
    if isinstance(observed, CommandSent):
        return _line(f"command {observed.pack} {observed.command}", observed.input)
    return _line(f"event {observed.pack} {observed.event}", observed.payload)


def format_json(value: object) -> str:
    """Formats a value as JSON, truncated when it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."


def _content(expected: Visible, names: Names) -> Iterator[Span]:
    yield Span(_text(expected.text, names))
    more = (expected.content,) if isinstance(expected, ExpectedFile) else (expected.fields, expected.actions)
    yield from (Span(f" {format_json(names.render(one))}") for one in more if one is not None)


def _text(expected: object, names: Names) -> str:
    text = "..." if expected is None else names.with_names(names.render(expected))
    if isinstance(text, dict):
        return f"({', '.join(f'{kind} {format_json(value)}' for kind, value in text.items())})"
    return str(text)


def _target(name: str) -> str:
    return f"'{name}'" if name else "a message"


def _line(head: str, payload: object) -> Line:
    return Line([Span(head), Span("" if payload is None else f" {format_json(payload)}")], indent=4)
