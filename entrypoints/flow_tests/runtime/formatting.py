"""How the things that are expected and that happen are written down."""

import json
from typing import Final, assert_never

from entrypoints.flow_tests.model import Expected, ExpectedCommand, ExpectedEvent, ExpectedMessage
from entrypoints.flow_tests.runtime.event_log import CommandSent, EventSent
from entrypoints.flow_tests.runtime.names import Names
from entrypoints.simulation.console.output import Line, Span
from entrypoints.simulation.flyte.step_evaluator import RenderError
from entrypoints.simulation.workspaces.workspace import BOT

_SHORT: Final = 300
_STYLES: Final = {"+": "good", "-": "bad"}


def diff_line(mark: str, line: Line) -> Line:
    """A line of a diff: `-` for what was expected and did not happen, `+` for what happened in its place."""
    style = _STYLES.get(mark)
    spans = [Span(span.text, style) for span in line.spans] if style else line.spans
    return Line([Span(f"{mark} ", style or ""), *spans], line.indent + 2)


def expected_line(expected: Expected, names: Names, room: str) -> Line:
    """What was expected, written as the same thing would be that happened. `room`: the usual one."""
    try:
        return _line_of(expected, names, room)
    except RenderError as failure:
        return Line([Span(f"(a template in line {expected.line} can't be rendered: {failure.error})")])


def _line_of(expected: Expected, names: Names, room: str) -> Line:
    match expected:
        case ExpectedMessage():
            return _message_line(expected, names, room)
        case ExpectedCommand(pack=pack, command=command, input=given):
            return _line(f"command {pack or '(any pack)'} {command}", names.render(given))
        case ExpectedEvent(pack=pack, event=event, payload=payload):
            return _line(f"event {pack or '(any pack)'} {event}", names.render(payload))
        case _:
            assert_never(expected)


def observed_line(happened: CommandSent | EventSent) -> Line:
    """A command or an event."""
    if isinstance(happened, CommandSent):
        return _line(f"command {happened.pack} {happened.command}", happened.input)
    return _line(f"event {happened.pack} {happened.event}", happened.payload)


def _message_line(expected: ExpectedMessage, names: Names, room: str) -> Line:
    head = f"{expected.room or room} {names.thread_label(expected.thread)}{BOT}: "
    text = names.with_names(names.render(expected.text)) if expected.text is not None else "..."
    fields = "" if expected.fields is None else f" {_truncate(names.render(expected.fields))}"
    return Line([Span(head), Span(text if isinstance(text, str) else f"({_matcher(text)})"), Span(fields)], len(head))


def _matcher(text: object) -> str:
    return ", ".join(f"{kind} {_truncate(value)}" for kind, value in text.items()) if isinstance(text, dict) else ""


def _line(head: str, payload: object) -> Line:
    return Line([Span(head), Span("" if payload is None else f" {_truncate(payload)}")], indent=4)


def _truncate(payload: object) -> str:
    written = json.dumps(payload, ensure_ascii=False)
    return written if len(written) <= _SHORT else f"{written[:_SHORT]}..."
