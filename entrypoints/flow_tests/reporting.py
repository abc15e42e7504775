"""Tells why a test failed: the conversation as it should have gone and as it went, and what followed from what."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from entrypoints.flow_tests.comparing import differences, is_of_its_kind
from entrypoints.flow_tests.expecting import Expecting, NotSoError
from entrypoints.flow_tests.happenings import BotMessage, Happened
from entrypoints.flow_tests.names import Names
from entrypoints.flow_tests.script import Expected
from entrypoints.flow_tests.verdict import Failure
from entrypoints.flow_tests.wording import expected_line, happened_line, marked
from entrypoints.flow_tests.world import World
from entrypoints.simulation.conversation.narrator import Detail, Narrator, Told
from entrypoints.simulation.conversation.paper import Line, plain
from entrypoints.simulation.conversation.workspace import BOT, Noticed, Spoken
from entrypoints.simulation.flow_engine import PartFailedError
from entrypoints.simulation.flyte_happenings import StepFailed, StepUnmatched

_BEFORE: Final = 3
"""Messages shown before those of the turn in which the test failed."""
_MOST_REFUSALS: Final = 3
_LONGEST: Final = 60
"""Lines of a diff or of a story."""


class Reporter:
    """Writes down one test, for whoever wants to know how it went."""

    def __init__(self, world: World, names: Names, expecting: Expecting) -> None:
        self._world = world
        self._chronicle = world.chronicle
        self._names = names
        self._expecting = expecting
        self._narrator = Narrator(world.transcript, world.flyte, Detail.ON)
        self._turn = 0
        """Where the latest turn begins in what is told, and below in what happened."""
        self._turn_happened = 0

    def begin(self) -> None:
        """A new turn: something is about to be said or done after something was expected."""
        self._turn = len(self._chronicle.told)
        self._turn_happened = len(self._chronicle.happened)

    def conversation(self) -> Sequence[Line]:
        """All that can be seen in the chat."""
        return [line for told in self._chronicle.told if _is_seen(told) for line in self._lines(told)]

    def failure(self, error: NotSoError | PartFailedError, step: str, line: int, room: str) -> Failure:
        """Why the test failed at a step."""
        if isinstance(error, PartFailedError):
            return Failure(line, step, f"a template in this step can't be rendered: {error.error}", (), ())
        line = error.missing[0].line if error.missing else line
        reasons = [str(error), *self._sources(error), *self._near_misses(error, room)]
        if error.missing and not error.instead:
            reasons += self._refusals()
        story = [line for told in self._chronicle.told[self._turn :] for line in self._lines(told)]
        return Failure(line, step, "; ".join(reasons), _cut(self._diff(error, room)), _cut(story))

    def _sources(self, error: NotSoError) -> Iterator[str]:
        """Where a message that surprises comes from."""
        if isinstance(error.instead, BotMessage) and (source := self._chronicle.source_of(error.instead)):
            yield f"it is sent by {source}"

    def _near_misses(self, error: NotSoError, room: str) -> Iterator[str]:
        """What is like the thing that is missing, and why it is not it."""
        if not error.missing or error.instead:
            return
        expected = error.missing[0]
        for happened in self._unexpected_like(expected):
            found = differences(expected, happened, self._names, room)
            seconds = happened.at - error.began
            if found:
                yield f"what came is not it: {'; '.join(found)}"
            elif seconds > expected.timing.within:
                yield f"it came after {seconds:.3f} s"
            else:
                yield "it came before what this test expects ahead of it"

    def _refusals(self) -> list[str]:
        """Which steps did not run in this turn, and why."""
        found = []
        for told in self._chronicle.told[self._turn :]:
            if isinstance(told, StepUnmatched | StepFailed):
                step = f"flow {told.flow}" + (f", step {told.step}" if told.step else "")
                found.append(f"{step} {_why_not(told)}")
        return list(dict.fromkeys(found))[:_MOST_REFUSALS]

    def _unexpected_like(self, expected: Expected) -> list[Happened]:
        """What has happened in this turn that is of the kind of what was expected, and was not."""
        turn = self._chronicle.happened[self._turn_happened :]
        return [one for one in turn if is_of_its_kind(expected, one) and not self._expecting.is_fine(one)]

    def _diff(self, error: NotSoError, room: str) -> Sequence[Line]:
        """What is said in the latest turn, what led up to it, and what is missing where it should have come."""
        missing = [marked("-", expected_line(expected, self._names, room)) for expected in error.missing]
        lines = []
        for told in self._shown():
            mark = "+" if self._is_surprise(told) else " "
            if mark == "+":
                lines += missing
                missing = []
            lines += [marked(mark, line) for line in self._lines(told)]
        return [*lines, *missing, *self._others_instead(error)]

    def _others_instead(self, error: NotSoError) -> Iterator[Line]:
        """The commands and events that came in the place of what is missing, or where nothing should have."""
        found = [] if error.missing or error.instead is None else [error.instead]
        if error.missing:
            found = self._unexpected_like(error.missing[0])
        for happened in found:
            if not isinstance(happened, BotMessage):
                yield marked("+", happened_line(happened))

    def _shown(self) -> list[Told]:
        told = self._chronicle.told
        before = [one for one in told[: self._turn] if _is_seen(one)]
        return [*before[-_BEFORE:], *(one for one in told[self._turn :] if _is_seen(one))]

    def _is_surprise(self, told: Told) -> bool:
        if not isinstance(told, Spoken) or told.speaker != BOT:
            return False
        messages = (one for one in self._chronicle.happened if isinstance(one, BotMessage))
        return not any(self._expecting.is_fine(one) for one in messages if one.spoken is told)

    def _lines(self, told: Told) -> Iterator[Line]:
        if isinstance(told, Spoken):
            told = replace(told, text=str(self._names.readable(told.text)))
        return self._narrator.lines(told)


def _why_not(told: StepUnmatched | StepFailed) -> str:
    if isinstance(told, StepFailed):
        return f"can't run: {told.part}: {told.error}"
    return f"does not run: {told.reason}"


def _is_seen(told: Told) -> bool:
    return isinstance(told, Spoken | Noticed)


def _cut(lines: Sequence[Line]) -> Sequence[Line]:
    if len(lines) <= _LONGEST:
        return lines
    return [*lines[:_LONGEST], plain(f"... and {len(lines) - _LONGEST} lines more", "aside")]
