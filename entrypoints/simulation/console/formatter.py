"""Tells what happens: what is said, and how it goes from there through flows, packs and back."""

import json
from collections.abc import Iterator
from enum import Enum
from typing import Final, TypeAlias

from entrypoints.simulation.console.explain import referenced_values
from entrypoints.simulation.console.output import Line, Span, text_line
from entrypoints.simulation.console.transcript import Transcript
from entrypoints.simulation.flyte import trace as flyte
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.models import FATAL
from entrypoints.simulation.workspaces.workspace import BOT, ChatMessage, ChatNotice

OutputEvent: TypeAlias = ChatMessage | ChatNotice | flyte.TraceEvent | Line

_SHORT: Final = 100
"""Characters of a value within a payload that are shown, unless all are asked for."""
_HANG: Final = 12
_SLACK: Final = "Slack"


class Detail(Enum):
    """How much is told."""

    OFF = "off"
    """What is said."""
    ON = "on"
    """And what follows from it."""
    FULL = "full"
    """And all payloads, criteria and contexts as a whole."""


class EventFormatter:
    """Turns what happens into lines."""

    def __init__(self, transcript: Transcript, engine: Flyte, detail: Detail) -> None:
        self.detail = detail
        self._transcript = transcript
        self._engine = engine

    def format(self, told: OutputEvent) -> Iterator[Line]:
        """The lines for something that happened; none when it is more than was asked for."""
        if isinstance(told, ChatMessage):
            yield self._spoken(told)
        elif isinstance(told, ChatNotice):
            number = self._transcript.number(told.channel_id, told.timestamp) if self.detail is not Detail.OFF else None
            yield text_line(f"{told.channel_label} {told.text}" + (f" (message [{number}])" if number else ""), "aside")
        elif isinstance(told, Line):
            yield told
        elif self.detail is not Detail.OFF:
            yield from self._explained(told)

    def _spoken(self, spoken: ChatMessage) -> Line:
        number = self._transcript.number(spoken.channel_id, spoken.timestamp)
        thread = (
            self._transcript.number(spoken.channel_id, spoken.thread_timestamp) if spoken.thread_timestamp else None
        )
        spans = [
            Span(f"[{number}] " if self.detail is not Detail.OFF else "", "aside"),
            Span(f"{spoken.channel_label} ", "room"),
            Span(_thread_mark(spoken, thread, self.detail), "aside"),
            Span(f"{spoken.speaker}: ", "bot" if spoken.speaker == BOT else "person"),
        ]
        return Line((*spans, Span(spoken.text, "said")), indent=sum(len(span.text) for span in spans))

    def _explained(self, told: flyte.TraceEvent) -> Iterator[Line]:
        match told:
            case flyte.PackRegistered(pack_id=pack_id):
                yield _entry("pack", f"{pack_id} has registered")
            case flyte.EventAccepted():
                yield self._event(told)
            case flyte.StepMatched():
                yield from self._matched(told)
            case flyte.StepUnmatched():
                yield _entry("flow", f"{_step(told)} does not run: {told.reason}")
                yield from _criteria(told.criteria, told)
            case flyte.StepFailed(part=part, error=error):
                yield _entry("flow", f"{_step(told)} can't run: {part}: {error}", style="bad")
            case flyte.ActionCreated():
                yield self._command(told)
            case flyte.ActionFinished():
                yield self._answer(told)
            case _:
                pass

    def _event(self, told: flyte.EventAccepted) -> Line:
        pack = self._pack_name(told.pack_id)
        is_shown_already = told.event == "ReceivedMessage" and self.detail is not Detail.FULL
        payload = "" if is_shown_already else self._written(told.payload)
        steps = (step for flow in self._engine.flows.values() for step in flow.steps)
        is_awaited = any((step.event_pack, step.event_name) == (pack, told.event) for step in steps)
        return _entry("event", f"{pack} {told.event}", payload, "" if is_awaited else "no flow waits for it")

    def _matched(self, told: flyte.StepMatched) -> Iterator[Line]:
        yield _entry("flow", f"{_step(told)} runs", style="good")
        if self.detail is Detail.FULL:
            yield from _criteria(told.criteria, told)
            yield from (_detail(f"Context.{name} = {_json(value)}") for name, value in told.context.items())

    def _command(self, told: flyte.ActionCreated) -> Line:
        has_taker = any(pack.name == told.pack for pack in self._engine.packs.values())
        remark = "" if has_taker else f"nobody takes it: there is no pack {told.pack} (simulate --pack FILE)"
        return _entry("command", f"{told.pack} {told.command}", self._written(told.input), remark)

    def _answer(self, told: flyte.ActionFinished) -> Line:
        is_bad = told.event == FATAL or told.event.endswith("Failed")
        name = f"{self._pack_name(told.pack_id)} {told.event}"
        return _entry("answer", name, self._written(self._news(told)), style="bad" if is_bad else "")

    def _news(self, told: flyte.ActionFinished) -> object:
        """An answer's payload; of the Slack pack's without what it merely repeats of the command's input."""
        action = self._engine.actions.get(told.action_id)
        asked = action.input if action and action.pack_name == _SLACK else None
        if self.detail is Detail.FULL or not isinstance(told.payload, dict) or not isinstance(asked, dict):
            return told.payload
        return {key: value for key, value in told.payload.items() if key not in asked or asked[key] != value}

    def _written(self, payload: object) -> str:
        return _json(payload) if self.detail is Detail.FULL else _shortened(payload)

    def _pack_name(self, pack_id: str) -> str:
        pack = self._engine.packs.get(pack_id)
        return pack.name if pack else pack_id


def _thread_mark(spoken: ChatMessage, number: int | None, detail: Detail) -> str:
    if not spoken.thread_timestamp:
        return ""
    return "(thread) " if detail is Detail.OFF or number is None else f"(thread of [{number}]) "


def _step(told: flyte.StepEvaluated) -> str:
    return told.flow + (f", step {told.step}" if told.step else "")


def _criteria(source: str, told: flyte.StepEvaluated) -> Iterator[Line]:
    if source:
        yield _detail(source)
    for name, value in referenced_values(source, told.trigger, told.context):
        yield _detail(f"{name} = {value}")


def _entry(kind: str, text: str, payload: str = "", remark: str = "", style: str = "") -> Line:
    """One thing that happened on the way of a message: what it is, its name, what it carries."""
    spans = [Span(f"    {kind:<8}", "aside"), Span(text, style)]
    spans += [Span(f" {payload}", style or "aside")] if payload else []
    spans += [Span(f"  {remark}", "remark")] if remark else []
    return Line(spans, indent=_HANG)


def _detail(text: str) -> Line:
    return text_line(f"{' ' * _HANG}{text}", "aside", indent=_HANG + 2)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shortened(payload: object) -> str:
    """A payload of which every key can be seen, and of long values the beginning or the size."""
    if not isinstance(payload, dict):
        return _short_value(payload)
    return "{" + ", ".join(f"{_json(key)}: {_short_value(value)}" for key, value in payload.items()) + "}"


def _short_value(value: object) -> str:
    written = _json(value)
    if len(written) <= _SHORT:
        return written
    if isinstance(value, dict):
        return f"{{{len(value)} keys}}"
    return f"[{len(value)} items]" if isinstance(value, list) else f"{written[:_SHORT]}..."
