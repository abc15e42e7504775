"""Tells why a test failed: the conversation as it should have gone and as it went, and what followed from what."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from entrypoints.flow_tests.model import Expected
from entrypoints.flow_tests.result import Failure
from entrypoints.flow_tests.runtime.diff import differences, is_same_kind
from entrypoints.flow_tests.runtime.environment import FlowTestEnvironment
from entrypoints.flow_tests.runtime.event_log import BotMessage, CommandSent, Observed
from entrypoints.flow_tests.runtime.expectations import ExpectationFailed, ExpectationMatcher
from entrypoints.flow_tests.runtime.formatting import diff_line, expected_line, observed_line
from entrypoints.flow_tests.runtime.names import Names
from entrypoints.simulation.console.formatter import Detail, EventFormatter, OutputEvent
from entrypoints.simulation.console.output import Line, text_line
from entrypoints.simulation.flyte.step_evaluator import RenderError
from entrypoints.simulation.flyte.trace import ActionFinished, StepFailed, StepUnmatched
from entrypoints.simulation.workspaces.workspace import ChatMessage, ChatNotice

_BEFORE: Final = 5
"""Messages shown before the place where the test failed."""
_AFTER: Final = 12
"""Lines shown of what is missing there, and of what came instead."""
_LONGEST_STORY: Final = 40
_MOST_REASONS: Final = 3


class FailureReporter:
    """Writes down one test, for whoever wants to know how it went."""

    def __init__(self, world: FlowTestEnvironment, names: Names, expecting: ExpectationMatcher) -> None:
        self._world = world
        self._chronicle = world.event_log
        self._names = names
        self._expecting = expecting
        self._narrator = EventFormatter(world.transcript, world.flyte, Detail.ON)
        self._turn = 0
        """Where the latest turn begins in what is told, and below in what happened."""
        self._turn_happened = 0

    def begin_turn(self) -> None:
        """A new turn: something is about to be said or done after something was expected."""
        self._turn = len(self._chronicle.events)
        self._turn_happened = len(self._chronicle.observed)

    def conversation(self) -> Sequence[Line]:
        """All that can be seen in the chat."""
        return [line for told in self._chronicle.events if _is_visible(told) for line in self._lines(told)]

    def diagnose(self, error: ExpectationFailed | RenderError, step: str, line: int, room: str) -> Failure:
        """Why the test failed at a step."""
        if isinstance(error, RenderError):
            return Failure(line, step, f"a template in this step can't be rendered: {error.error}", (), ())
        line = error.missing[0].line if error.missing else line
        reasons = [str(error), *self._sources(error), *self._near_misses(error, room)]
        if error.missing and not error.actual:
            reasons += self._refusals()
        story = [line for told in self._chronicle.events[self._turn :] for line in self._lines(told)]
        return Failure(line, step, "; ".join(reasons), self._diff(error, room), _limit(story, _LONGEST_STORY))

    def _sources(self, error: ExpectationFailed) -> Iterator[str]:
        """Where a message or a command that surprises comes from."""
        source = ""
        if isinstance(error.actual, BotMessage):
            source = self._chronicle.source_of_message(error.actual)
        elif isinstance(error.actual, CommandSent):
            source = self._chronicle.source_of_action(error.actual.action_id)
        if source:
            yield f"it is sent by {source}"

    def _near_misses(self, error: ExpectationFailed, room: str) -> Iterator[str]:
        """What is like the thing that is missing, and why it is not it."""
        if not error.missing or error.actual:
            return
        expected = error.missing[0]
        for happened in self._unexpected_like(expected)[:_MOST_REASONS]:
            found = differences(expected, happened, self._names, room)
            seconds = happened.at - error.started_at
            if found:
                yield f"what came is not it: {'; '.join(found)}"
            elif seconds > expected.within:
                yield f"it came after {seconds:.3f} s"
            else:
                yield "it came before what this test expects ahead of it"

    def _refusals(self) -> list[str]:
        """Which steps did not run in this turn, or ran in vain, and why."""
        found = []
        for told in self._chronicle.events[self._turn :]:
            if isinstance(told, StepUnmatched | StepFailed):
                step = f"flow {told.flow}" + (f", step {told.step}" if told.step else "")
                found.append(f"{step} {_step_problem(told)}")
            elif isinstance(told, ActionFinished) and told.has_failed:
                source = self._chronicle.source_of_action(told.action_id) or "a command of no flow"
                found.append(f"{source}: {told.command} ends in {told.event}{_error_suffix(told.payload)}")
        return list(dict.fromkeys(found))[:_MOST_REASONS]

    def _unexpected_like(self, expected: Expected) -> list[Observed]:
        """What has happened in this turn that is of the kind of what was expected, and was not."""
        turn = self._chronicle.observed[self._turn_happened :]
        return [one for one in turn if is_same_kind(expected, one) and not self._expecting.is_expected(one)]

    def _diff(self, error: ExpectationFailed, room: str) -> Sequence[Line]:
        """What is missing, where it should have come, and what is said around it."""
        missing = [diff_line("-", expected_line(expected, self._names, room)) for expected in error.missing]
        messages = (one for one in self._chronicle.observed if isinstance(one, BotMessage))
        surprises = {id(one.spoken) for one in messages if not self._expecting.is_expected(one)}
        seen = [(told, id(told) in surprises) for told in self._chronicle.events if _is_visible(told)]
        place = next((index for index, (_, is_surprise) in enumerate(seen) if is_surprise), len(seen))
        before = [
            diff_line(" ", line) for told, _ in seen[max(0, place - _BEFORE) : place] for line in self._lines(told)
        ]
        after = [
            diff_line("+" if is_surprise else " ", line)
            for told, is_surprise in seen[place:]
            for line in self._lines(told)
        ]
        return [*before, *_limit(missing, _AFTER), *_limit(after, _AFTER), *self._others_instead(error)]

    def _others_instead(self, error: ExpectationFailed) -> Iterator[Line]:
        """The commands and events that came in the place of what is missing, or where nothing should have."""
        found = [] if error.missing or error.actual is None else [error.actual]
        if error.missing:
            found = self._unexpected_like(error.missing[0])
        for happened in found:
            if not isinstance(happened, BotMessage):
                yield diff_line("+", observed_line(happened))

    def _lines(self, told: OutputEvent) -> Iterator[Line]:
        if isinstance(told, ChatMessage):
            told = replace(told, text=str(self._names.with_names(told.text)))
        return self._narrator.format(told)


def _step_problem(told: StepUnmatched | StepFailed) -> str:
    if isinstance(told, StepFailed):
        return f"can't run: {told.part}: {told.error}"
    return f"does not run: {told.reason}"


def _error_suffix(payload: object) -> str:
    error = payload.get("error") if isinstance(payload, dict) else payload
    return f": {error}" if isinstance(error, str) else ""


def _is_visible(told: OutputEvent) -> bool:
    return isinstance(told, ChatMessage | ChatNotice)


def _limit(lines: Sequence[Line], most: int) -> Sequence[Line]:
    if len(lines) <= most:
        return lines
    return [*lines[:most], text_line(f"... and {len(lines) - most} lines more", "aside")]
