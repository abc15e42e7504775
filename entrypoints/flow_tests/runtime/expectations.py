"""Waits for what a test expects, and finds what came in its place."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from entrypoints.flow_tests.model import Expect, Expected, ExpectedMessage, ExpectNothing
from entrypoints.flow_tests.runtime.diff import differences, is_of_its_kind
from entrypoints.flow_tests.runtime.event_log import BotMessage, Chronicle, CommandSent, Happened
from entrypoints.flow_tests.runtime.names import Names


class NotSoError(Exception):
    """What was expected did not happen, or something else did; the message says which."""

    def __init__(
        self, reason: str, *, missing: Sequence[Expected] = (), instead: Happened | None = None, began: float = 0.0
    ) -> None:
        super().__init__(reason)
        self.missing = missing
        """The first of them is what the step failed at."""
        self.instead = instead
        self.began = began
        """When the step began, in virtual seconds."""


@dataclass(slots=True)
class _Search:
    """The things of one step that are still to come."""

    step: Expect
    room: str
    began: float
    left: list[Expected]

    def candidates(self) -> list[Expected]:
        return self.left if self.step.in_any_order else self.left[:1]


class Expecting:
    """Goes through what happens, once, in its order."""

    def __init__(self, chronicle: Chronicle, names: Names) -> None:
        self._chronicle = chronicle
        self._names = names
        self._position = 0
        self._is_answered = False
        """Whether the last step expected something: what comes then belongs to what is said next."""
        self._fine: set[int] = set()

    def is_fine(self, happened: Happened) -> bool:
        """Whether this was expected, or allowed."""
        return id(happened) in self._fine

    def begin(self) -> bool:
        """Something new is about to be said or done; whether it is the first since something was expected.

        Raises NotSoError for a message that nobody expected.
        """
        if not self._is_answered:
            return False
        self.check_rest("the bot says something that no step expects")
        self._position = len(self._chronicle.happened)
        self._is_answered = False
        return True

    def check_rest(self, reason: str) -> None:
        """Raises NotSoError with this reason when there is a message that nobody expected."""
        for happened in self._chronicle.happened[self._position :]:
            if isinstance(happened, BotMessage):
                raise NotSoError(reason, instead=happened)

    async def expect(self, step: Expect, room: str) -> None:
        """Wait until all of it has happened. Raises NotSoError."""
        search = _Search(step, room, _now(), list(step.expected))
        self._is_answered = True
        while True:
            self._chronicle.news.clear()
            self._look(search)
            if not search.left:
                return
            first = min(search.candidates(), key=lambda expected: expected.timing.within)
            until = search.began + first.timing.within
            if not await self._news(until):
                others = [expected for expected in search.left if expected is not first]
                raise NotSoError(_missing(first), missing=[first, *others], began=search.began)

    async def expect_nothing(self, step: ExpectNothing) -> None:
        """Wait that long. Raises NotSoError as soon as the bot says something, or a flow sends a command."""
        until = _now() + step.seconds
        self._is_answered = True
        while True:
            self._chronicle.news.clear()
            for happened in self._rest():
                if isinstance(happened, BotMessage | CommandSent):
                    what = "the bot says something" if isinstance(happened, BotMessage) else "a flow sends a command"
                    raise NotSoError(f"{what}, and nothing was expected", instead=happened)
            if not await self._news(until):
                return

    def _look(self, search: _Search) -> None:
        """Go through what has happened so far."""
        while search.left and (happened := next(self._rest(), None)):
            found = next((one for one in search.candidates() if self._is_met(one, happened, search.room)), None)
            if found:
                self._meet(found, happened, search)
            elif isinstance(happened, BotMessage):
                if not search.step.are_others_allowed:
                    raise self._surprise(happened, search)
                self._fine.add(id(happened))

    def _meet(self, expected: Expected, happened: Happened, search: _Search) -> None:
        seconds = happened.at - search.began
        if expected.timing.after and seconds < expected.timing.after:
            reason = f"it came after {seconds:.3g} s, and not before {expected.timing.after:g} s was expected"
            raise NotSoError(reason, missing=search.left, instead=happened, began=search.began)
        search.left.remove(expected)
        self._fine.add(id(happened))
        if isinstance(expected, ExpectedMessage) and isinstance(happened, BotMessage):
            self._names.call(expected.name, happened.spoken)

    def _surprise(self, message: BotMessage, search: _Search) -> NotSoError:
        candidates = [one for one in search.candidates() if isinstance(one, ExpectedMessage)]
        if len(candidates) == 1:
            found = differences(candidates[0], message, self._names, search.room)
            return NotSoError("; ".join(found), missing=search.left, instead=message, began=search.began)
        reason = "the bot says something that this step does not expect; `others: allowed` would let it pass"
        return NotSoError(reason, missing=search.left, instead=message, began=search.began)

    def _is_met(self, expected: Expected, happened: Happened, room: str) -> bool:
        return is_of_its_kind(expected, happened) and not differences(expected, happened, self._names, room)

    def _rest(self) -> Iterator[Happened]:
        while self._position < len(self._chronicle.happened):
            self._position += 1
            yield self._chronicle.happened[self._position - 1]

    async def _news(self, until: float) -> bool:
        """Wait for something to happen; False when nothing does in time."""
        try:
            async with asyncio.timeout_at(until):
                await self._chronicle.news.wait()
        except TimeoutError:
            return False
        return True


def _missing(expected: Expected) -> str:
    return f"it did not happen within {expected.timing.within:g} s"


def _now() -> float:
    return asyncio.get_running_loop().time()
