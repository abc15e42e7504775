"""Formats the events of both simulated servers as lines, and prints them in order."""

import asyncio
import json
from collections import deque
from collections.abc import Iterator, Sequence, Sized
from dataclasses import replace
from enum import Enum
from textwrap import shorten
from typing import Final, TypeAlias

from entrypoints.simulation.console.explain import referenced_values
from entrypoints.simulation.console.origins import Origins
from entrypoints.simulation.console.output import Line, Output, Span, text_line
from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.flyte import trace as flyte
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.unawaited import unawaited_answer
from entrypoints.simulation.slack.app_use.choices import label_of, options_of
from entrypoints.simulation.slack.app_use.elements import Element, elements, message_elements
from entrypoints.simulation.workspaces.message_text import view_text
from entrypoints.simulation.workspaces.workspace import BOT, ChatMessage, ChatNotice, ViewShown

OutputEvent: TypeAlias = ChatMessage | ChatNotice | flyte.TraceEvent | Line

_MAX_VALUE_LENGTH: Final = 100
"""Number of characters shown of a value in a payload, except with Detail.FULL."""
_MAX_QUOTE_LENGTH: Final = 40
_INDENT: Final = 12
_OMITTED: Final = ("user", "itemUser", "teamId", "triggerId", "responseUrl", "viewHash", "actionTimestamp")
"""The keys of the Slack pack's payloads that carry little information."""
_EMPTY: Final[tuple[object, ...]] = ("", [], {}, None, False)
_OPTIONAL: Final = dict.fromkeys(
    ("ReceivedEdit", "ReceivedDeletion"), "outside the simulation only with FLYTE_SLACK_RECEIVE_EDITS=true"
)
"""Events that the pack reports here, but elsewhere only if they are switched on."""


class Detail(Enum):
    """How much is explained."""

    OFF = "off"
    """Only the messages."""
    ON = "on"
    """Also the events, flow steps and actions that they trigger."""
    FULL = "full"
    """Also all payloads, criteria and contexts in full."""


class EventFormatter:
    """Turns events into lines."""

    def __init__(self, transcript: Transcript, engine: Flyte, detail: Detail, origins: Origins | None = None) -> None:
        """With `origins`, lines name the message to which they belong, unless it is the latest of a person."""
        self.detail = detail
        self._origins = origins
        self._latest: int | None = None
        self._transcript = transcript
        self._engine = engine

    def format(self, event: OutputEvent) -> Iterator[Line]:
        """Returns an event's lines; none if the event is beyond the current detail."""
        match event:
            case Line():
                yield event
            case ChatMessage():
                yield self._message(event)
                yield from self._usable(message_elements(event.content))
            case ViewShown():
                yield self._view(event)
                yield from self._usable([*elements(event.view.get("blocks"))] if event.is_visible else [])
            case ChatNotice():
                yield self._notice(event)
            case _ if self.detail is not Detail.OFF:
                yield from self._trace(event)

    def _message(self, message: ChatMessage) -> Line:
        number = self._transcript.number(message.channel_id, message.timestamp)
        if message.speaker != BOT:
            self._latest = number
        origin = self._origin(message)
        spans = [
            Span("" if self.detail is Detail.OFF else f"[{number}] ", "aside"),
            Span(f"{message.channel_label} ", "channel"),
            Span(self._thread(message), "aside"),
            Span(f"(only {message.viewer} sees it) " if message.viewer else "", "aside"),
            Span(f"({origin}) " if origin else "", "aside"),
            Span(f"{message.speaker}: ", "bot" if message.speaker == BOT else "person"),
        ]
        files = [f"(file {file['name']}, {file['size']} bytes)" for file in message.files]
        text = "\n".join(filter(None, (message.text, *files)))
        return Line((*spans, Span(text)), indent=sum(len(span.text) for span in spans))

    def _origin(self, event: ChatMessage | flyte.TraceEvent) -> str:
        """Refers to the message to which an event belongs; empty for the latest of a person, or if it is unknown."""
        number = self._origins.of(event) if self._origins else None
        if number is None or number == self._latest:
            return ""
        if self.detail is not Detail.OFF:
            return f"for [{number}]"
        message = self._transcript.message(number)
        return f'for "{shorten(message.text, _MAX_QUOTE_LENGTH)}"' if message else ""

    def _usable(self, known: Sequence[Element]) -> Iterator[Line]:
        """Yields a line with everything that can be clicked, chosen and filled in."""
        if known and self.detail is not Detail.OFF:
            yield _entry("actions", ", ".join(map(_action, known)))

    def _view(self, shown: ViewShown) -> Line:
        lines = view_text(shown.view).splitlines() if shown.is_visible else []
        return Line([Span(shown.text, "aside"), Span("".join(f"\n| {line}" for line in lines))], indent=4)

    def _thread(self, message: ChatMessage) -> str:
        if not message.thread_timestamp:
            return ""
        number = self._transcript.number(message.channel_id, message.thread_timestamp)
        return "(thread) " if self.detail is Detail.OFF or number is None else f"(thread of [{number}]) "

    def _notice(self, notice: ChatNotice) -> Line:
        number = self._transcript.number(notice.channel_id, notice.timestamp)
        suffix = f" (message [{number}])" if number and self.detail is not Detail.OFF else ""
        return text_line(f"{notice.channel_label} {notice.text}{suffix}".lstrip(), "aside")

    def _trace(self, event: flyte.TraceEvent) -> Iterator[Line]:
        lines, origin = list(self._explanation(event)), self._origin(event)
        if lines and origin:
            lines[0] = replace(lines[0], spans=(*lines[0].spans, Span(f"  ({origin})", "aside")))
        yield from lines

    def _explanation(self, event: flyte.TraceEvent) -> Iterator[Line]:
        match event:
            case flyte.PackRegistered(pack_id=pack_id):
                yield _entry("pack", f"{pack_id} has registered")
            case flyte.EventAccepted():
                yield self._event(event)
            case flyte.StepMatched():
                yield _entry("flow", f"{_step(event)} runs", style="good")
                if self.detail is Detail.FULL:
                    yield from _criteria(event.criteria, event)
                    yield from (_detail(f"Context.{name} = {_json(value)}") for name, value in event.context.items())
            case flyte.StepUnmatched():
                yield _entry("flow", f"{_step(event)} does not run: {event.reason}")
                yield from _criteria(event.criteria, event)
            case flyte.StepFailed(part=part, error=error):
                yield _entry("flow", f"{_step(event)} can't run: {part}: {error}", style="bad")
            case flyte.ActionCreated():
                yield self._command(event)
            case flyte.ActionFinished():
                yield self._answer(event)
            case _:
                pass

    def _event(self, accepted: flyte.EventAccepted) -> Line:
        pack = self._pack_name(accepted.pack_id)
        is_redundant = accepted.event == "ReceivedMessage" and self.detail is not Detail.FULL
        payload = "" if is_redundant else self._format_payload(self._informative_values(pack, accepted.payload))
        remark = _OPTIONAL.get(accepted.event, "")
        if not self._engine.has_flow_for(pack, accepted.event):
            remark = "no flow waits for it"
        return _entry("event", f"{pack} {accepted.event}", payload, remark)

    def _informative_values(self, pack: str, payload: object) -> object:
        """Returns the payload of an event; for the Slack pack, without keys that are empty or tell little."""
        if self.detail is Detail.FULL or pack != self._engine.slack_pack or not isinstance(payload, dict):
            return payload
        return {key: value for key, value in payload.items() if value not in _EMPTY and key not in _OMITTED}

    def _command(self, created: flyte.ActionCreated) -> Line:
        is_registered = any(pack.name == created.pack for pack in self._engine.packs.values())
        remark = "" if is_registered else f"there is no pack {created.pack} to take it (simulate --pack FILE)"
        return _entry("command", f"{created.pack} {created.command}", self._format_payload(created.input), remark)

    def _answer(self, finished: flyte.ActionFinished) -> Line:
        name = f"{self._pack_name(finished.pack_id)} {finished.event}"
        payload = self._format_payload(self._new_values(finished))
        remark = unawaited_answer(self._engine, finished)
        return _entry("answer", name, payload, remark, style="bad" if finished.has_failed else "")

    def _new_values(self, finished: flyte.ActionFinished) -> object:
        """Returns an answer's payload; the Slack pack's without the values that it repeats from the input."""
        action = self._engine.actions.get(finished.action_id)
        known = action.input if action and action.pack_name == self._engine.slack_pack else None
        if self.detail is Detail.FULL or not isinstance(finished.payload, dict) or not isinstance(known, dict):
            return finished.payload
        return {key: value for key, value in finished.payload.items() if key not in known or known[key] != value}

    def _format_payload(self, payload: object) -> str:
        return _json(payload) if self.detail is Detail.FULL else _truncate(payload)

    def _pack_name(self, pack_id: str) -> str:
        pack = self._engine.packs.get(pack_id)
        return pack.name if pack else pack_id


class EventPrinter:
    """Queues events and prints them later, so that the servers that report them never wait for the output."""

    def __init__(self, formatter: EventFormatter, output: Output) -> None:
        self._formatter = formatter
        self._output = output
        self._queue: deque[OutputEvent] = deque()
        self._added = asyncio.Event()

    def put(self, event: OutputEvent) -> None:
        """Queues an event."""
        self._queue.append(event)
        self._added.set()

    async def run(self) -> None:
        """Prints events until cancelled. Raises OSError if the reader is gone."""
        while True:
            await self._added.wait()
            self._added.clear()
            self.flush()

    def flush(self) -> None:
        """Prints all queued events."""
        while self._queue:
            for line in self._formatter.format(self._queue.popleft()):
                self._output.write(line)


def _action(element: Element) -> str:
    """Returns the label of an element, and its options."""
    options = ", ".join(label_of(option) for option in options_of(element.fields))
    return f"{element.label} ({options})" if options else element.label


def _step(event: flyte.StepEvaluated) -> str:
    return event.flow + (f", step {event.step}" if event.step else "")


def _criteria(source: str, event: flyte.StepEvaluated) -> Iterator[Line]:
    if source:
        yield _detail(source)
    for name, value in referenced_values(source, event.trigger, event.context):
        yield _detail(f"{name} = {value}")


def _entry(kind: str, text: str, payload: str = "", remark: str = "", style: str = "") -> Line:
    spans = [Span(f"    {kind:<8}", "aside"), Span(text, style)]
    spans += [Span(f" {payload}", style or "aside")] if payload else []
    spans += [Span(f"  {remark}", "remark")] if remark else []
    return Line(spans, indent=_INDENT)


def _detail(text: str) -> Line:
    return text_line(f"{' ' * _INDENT}{text}", "aside", indent=_INDENT + 2)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _truncate(payload: object) -> str:
    """Returns a payload with all of its keys, and the start or the size of each long value."""
    if not isinstance(payload, dict):
        return _truncate_value(payload)
    return "{" + ", ".join(f"{_json(key)}: {_truncate_value(value)}" for key, value in payload.items()) + "}"


def _truncate_value(value: object) -> str:
    text = _json(value)
    if len(text) <= _MAX_VALUE_LENGTH:
        return text
    if isinstance(value, dict):
        return f"{{{_count(value, 'key')}}}"
    return f"[{_count(value, 'item')}]" if isinstance(value, list) else f"{text[:_MAX_VALUE_LENGTH]}..."


def _count(values: Sized, noun: str) -> str:
    return f"{len(values)} {noun}{'' if len(values) == 1 else 's'}"
