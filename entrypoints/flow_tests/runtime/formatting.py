"""Formats expectations, and what happened, as lines of a diff."""

import json
from typing import Final, assert_never

from entrypoints.flow_tests.model import Expected, ExpectedCommand, ExpectedEvent, ExpectedMessage
from entrypoints.flow_tests.runtime.event_log import CommandSent, EventSent
from entrypoints.flow_tests.runtime.names import Names
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


def expected_line(expected: Expected, names: Names, room: str) -> Line:
    """Formats an expectation like the thing itself; `room` is the default of messages."""
    try:
        match expected:
            case ExpectedMessage():
                return _message_line(expected, names, room)
            case ExpectedCommand(pack=pack, command=command):
                return _line(f"command {pack or '(any pack)'} {command}", names.render(expected.input))
            case ExpectedEvent(pack=pack, event=event):
                return _line(f"event {pack or '(any pack)'} {event}", names.render(expected.payload))
            case _:
                assert_never(expected)
    except RenderError as failure:
        return Line([Span(f"(a template in line {expected.line} cannot be rendered: {failure.error})")])


def observed_line(observed: CommandSent | EventSent) -> Line:
    """Formats a command or an event."""
    if isinstance(observed, CommandSent):
        return _line(f"command {observed.pack} {observed.command}", observed.input)
    return _line(f"event {observed.pack} {observed.event}", observed.payload)


def format_json(value: object) -> str:
    """Formats a value as JSON, truncated when it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}..."


def _message_line(expected: ExpectedMessage, names: Names, room: str) -> Line:
    head = f"{expected.room or room} {names.thread_label(expected.thread)}{BOT}: "
    text = names.with_names(names.render(expected.text)) if expected.text is not None else "..."
    if isinstance(text, dict):
        text = f"({', '.join(f'{kind} {format_json(value)}' for kind, value in text.items())})"
    fields = "" if expected.fields is None else f" {format_json(names.render(expected.fields))}"
    return Line([Span(head), Span(str(text)), Span(fields)], len(head))


def _line(head: str, payload: object) -> Line:
    return Line([Span(head), Span("" if payload is None else f" {format_json(payload)}")], indent=4)
