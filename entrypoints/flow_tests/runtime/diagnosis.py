"""Explains why a test failed: the conversation as expected and as it went, and the trace of the last turn."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from entrypoints.flow_tests.expected import Expected, ExpectedCommand, ExpectedEvent
from entrypoints.flow_tests.result import Failure
from entrypoints.flow_tests.runtime.diff import differences, is_same_kind
from entrypoints.flow_tests.runtime.environment import FlowTestEnvironment
from entrypoints.flow_tests.runtime.expectations import UNEXPECTED_MESSAGE, ExpectationFailed, ExpectationMatcher
from entrypoints.flow_tests.runtime.formatting import diff_line, expected_line, observed_line
from entrypoints.flow_tests.runtime.names import Names, Scene
from entrypoints.flow_tests.runtime.observed import BotMessage, CommandSent, EventSent, NewMessage, Observed
from entrypoints.simulation.console.formatter import Detail, EventFormatter, OutputEvent
from entrypoints.simulation.console.output import Line, text_line
from entrypoints.simulation.flyte.document_fields import unknown
from entrypoints.simulation.flyte.step_evaluator import RenderError
from entrypoints.simulation.flyte.trace import ActionFinished, EventAccepted, StepFailed, StepUnmatched, step_name
from entrypoints.simulation.flyte.unawaited import unawaited_answer
from entrypoints.simulation.workspaces.workspace import ChatMessage, ChatNotice

_MESSAGES_BEFORE: Final = 5
"""Messages shown before the one at which the test failed."""
_LINES_AFTER: Final = 12
"""Lines shown of what is missing, and of what happened instead."""
_TRACE_LINES: Final = 40
_MAX_REASONS: Final = 3


class FailureReporter:
    """Reports on one test."""

    def __init__(self, environment: FlowTestEnvironment, names: Names, matcher: ExpectationMatcher) -> None:
        self._log = environment.event_log
        self._flyte = environment.flyte
        self._names = names
        self._matcher = matcher
        self._formatter = EventFormatter(environment.transcript, environment.flyte, Detail.ON)
        self._turn_events = 0
        """The index in the log's events at which the latest turn begins."""
        self._turn_observed = 0
        """The same index in the log's observations."""

    def begin_turn(self) -> None:
        """Starts a new turn: an action follows an expectation."""
        self._turn_events = len(self._log.events)
        self._turn_observed = len(self._log.observed)

    def conversation(self) -> Sequence[Line]:
        """Returns everything visible in the chat."""
        return [line for event in self._log.events if _is_visible(event) for line in self._format(event)]

    def diagnose(self, error: ExpectationFailed | RenderError, step: str, line: int, scene: Scene) -> Failure:
        """Explains why the test failed at a step."""
        if isinstance(error, RenderError):
            return Failure(line, step, f"a template in this step cannot be rendered: {error.error.message}")
        line = error.missing[0].line if error.missing else line
        reasons = [str(error), *(self._pack_problems(error) or _advice(error))]
        reasons += [*self._sources(error), *self._near_misses(error, scene)]
        if error.missing and not error.actual:
            reasons += self._flow_problems()
        trace = [line for event in self._log.events[self._turn_events :] for line in self._format(event)]
        return Failure(line, step, "; ".join(reasons), self._diff(error, scene), _truncate(trace, _TRACE_LINES))

    def _pack_problems(self, error: ExpectationFailed) -> list[str]:
        """Returns which pack the test lacks, or names wrongly."""
        turn = self._log.observed[self._turn_observed :]
        registered = [pack.name for pack in self._flyte.packs.values()]
        scripted = [name for name in registered if name != self._flyte.slack_pack]
        advice = f"`packs` has only {', '.join(scripted)}" if scripted else "add its script to `packs`"
        lacking = [
            f"there is no pack {one.pack} to take {one.command}: {advice}"
            for one in turn
            if isinstance(one, CommandSent) and one.pack not in registered
        ]
        expected = error.missing[0] if error.missing else None
        return [*dict.fromkeys(lacking), *(self._wrong_pack(expected, turn, registered) if expected else ())]

    def _wrong_pack(self, expected: Expected, turn: Sequence[Observed], registered: Sequence[str]) -> Iterator[str]:
        """Yields what is wrong with the pack of an expected command or event, if anything."""
        if not isinstance(expected, ExpectedCommand | ExpectedEvent) or not expected.pack:
            return
        name = expected.command if isinstance(expected, ExpectedCommand) else expected.event
        same_kind = (one for one in turn if is_same_kind(replace(expected, pack=""), one))
        packs = [one.pack for one in same_kind if isinstance(one, CommandSent | EventSent)]
        if packs and expected.pack not in packs:
            verb = "is sent to" if isinstance(expected, ExpectedCommand) else "comes from"
            yield f"{name} {verb} the pack {packs[0]}, and the test expects the pack {expected.pack}"
            return
        steps = [step for flow in self._flyte.flows.values() for step in flow.steps]
        known = {*registered, *(step.event_pack for step in steps), *(step.command_pack for step in steps)}
        if expected.pack not in known:
            yield unknown("pack", expected.pack, sorted(known))

    def _sources(self, error: ExpectationFailed) -> Iterator[str]:
        """Yields where an unexpected message or command comes from."""
        source = ""
        if isinstance(error.actual, BotMessage):
            source = self._log.source_of_message(error.actual)
        elif isinstance(error.actual, CommandSent):
            source = self._log.source_of_action(error.actual.action_id)
        if source:
            yield f"it is sent by {source}"

    def _near_misses(self, error: ExpectationFailed, scene: Scene) -> Iterator[str]:
        """Yields why similar things did not meet the missing expectation."""
        if not error.missing or error.actual:
            return
        expected = error.missing[0]
        for observed in self._unexpected_like(expected)[:_MAX_REASONS]:
            found = differences(expected, observed, self._names, scene)
            seconds = observed.at - error.started_at
            if found:
                yield f"a similar one does not match: {'; '.join(found)}"
            elif seconds > expected.within:
                yield f"it happened after {seconds:.3f} s"
            else:
                yield "it happened before what the test expects first"

    def _flow_problems(self) -> list[str]:
        """Returns which steps of this turn did not run or failed, and why."""
        found = []
        for event in self._log.events[self._turn_events :]:
            if isinstance(event, StepUnmatched | StepFailed):
                found.append(f"{step_name(event.flow, event.step)} {_step_problem(event)}")
            elif isinstance(event, ActionFinished) and event.has_failed:
                source = self._log.source_of_action(event.action_id) or "a command of no flow"
                found.append(f"{source}: {event.outcome}")
            elif isinstance(event, EventAccepted):
                found += self._unawaited_event(event)
            if isinstance(event, ActionFinished) and (unawaited := unawaited_answer(self._flyte, event)):
                found.append(unawaited)
        return list(dict.fromkeys(found))[:_MAX_REASONS]

    def _unawaited_event(self, event: EventAccepted) -> Iterator[str]:
        """Yields that no flow waits for an event, and for what a similar step waits."""
        pack = self._flyte.packs[event.pack_id].name if event.pack_id in self._flyte.packs else event.pack_id
        if pack == self._flyte.slack_pack or self._flyte.has_flow_for(pack, event.event):
            return
        steps = [step for flow in self._flyte.flows.values() for step in flow.steps]
        similar = [step for step in steps if pack == step.event_pack or event.event == step.event_name]
        hint = f"; a step waits for {similar[0].event_pack} {similar[0].event_name}" if similar else ""
        yield f"no flow waits for {pack} {event.event}{hint}"

    def _unexpected_like(self, expected: Expected) -> list[Observed]:
        """Returns what happened unexpectedly in this turn and is of the expected kind."""
        turn = self._log.observed[self._turn_observed :]
        return [one for one in turn if is_same_kind(expected, one) and not self._matcher.is_expected(one)]

    def _diff(self, error: ExpectationFailed, scene: Scene) -> Sequence[Line]:
        """Returns the conversation, with what is missing where something else came first."""
        missing = [diff_line("-", expected_line(expected, self._names, scene)) for expected in error.missing]
        messages = (one for one in self._log.observed if isinstance(one, NewMessage))
        unexpected = {id(one.message) for one in messages if not self._matcher.is_expected(one)}
        visible = [event for event in self._log.events if _is_visible(event)]
        marks = ["+" if id(event) in unexpected else " " for event in visible]
        place = marks.index("+") if "+" in marks else len(visible)
        before = self._marked(visible[:place][-_MESSAGES_BEFORE:], marks[:place][-_MESSAGES_BEFORE:])
        after = self._marked(visible[place:], marks[place:])
        others = (one for one in self._actual(error) if isinstance(one, CommandSent | EventSent))
        instead = [diff_line("+", observed_line(one)) for one in others]
        return [*before, *_truncate(missing, _LINES_AFTER), *_truncate(after, _LINES_AFTER), *instead]

    def _marked(self, events: Sequence[OutputEvent], marks: Sequence[str]) -> Sequence[Line]:
        pairs = zip(events, marks, strict=True)
        return [diff_line(mark, line) for event, mark in pairs for line in self._format(event)]

    def _actual(self, error: ExpectationFailed) -> Sequence[Observed]:
        """Returns what happened instead of what is missing, or where nothing was expected."""
        if error.missing:
            return self._unexpected_like(error.missing[0])
        return [error.actual] if error.actual else []

    def _format(self, event: OutputEvent) -> Iterator[Line]:
        if isinstance(event, ChatMessage):
            event = replace(event, text=str(self._names.with_names(event.text)))
        return self._formatter.format(event)


def _advice(error: ExpectationFailed) -> list[str]:
    return ["`others: allowed` would accept it"] if str(error) == UNEXPECTED_MESSAGE else []


def _step_problem(event: StepUnmatched | StepFailed) -> str:
    if isinstance(event, StepFailed):
        return f"cannot run: {event.part}: {event.error}"
    return f"does not run: {event.reason}"


def _is_visible(event: OutputEvent) -> bool:
    return isinstance(event, ChatMessage | ChatNotice)


def _truncate(lines: Sequence[Line], limit: int) -> Sequence[Line]:
    if len(lines) <= limit:
        return lines
    return [*lines[:limit], text_line(f"... and {len(lines) - limit} more lines", "aside")]
