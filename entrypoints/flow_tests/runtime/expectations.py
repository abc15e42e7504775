"""Waits for what a test expects, and finds what came in its place."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from entrypoints.flow_tests.model import Expect, Expected, ExpectedMessage, ExpectNothing
from entrypoints.flow_tests.runtime.diff import differences, is_same_kind
from entrypoints.flow_tests.runtime.event_log import BotMessage, CommandSent, EventLog, Observed
from entrypoints.flow_tests.runtime.names import Names


class ExpectationFailed(Exception):
    """What was expected did not happen, or something else did; the message says which."""

    def __init__(
        self, reason: str, *, missing: Sequence[Expected] = (), instead: Observed | None = None, began: float = 0.0
    ) -> None:
        super().__init__(reason)
        self.missing = missing
        """The first of them is what the step failed at."""
        self.actual = instead
        self.started_at = began
        """When the step began, in virtual seconds."""


@dataclass(slots=True)
class _Pending:
    """The things of one step that are still to come."""

    step: Expect
    room: str
    started_at: float
    remaining: list[Expected]

    def candidates(self) -> list[Expected]:
        return self.remaining if self.step.in_any_order else self.remaining[:1]


class ExpectationMatcher:
    """Goes through what happens, once, in its order."""

    def __init__(self, chronicle: EventLog, names: Names) -> None:
        self._chronicle = chronicle
        self._names = names
        self._position = 0
        self._has_expected = False
        """Whether the last step expected something: what comes then belongs to what is said next."""
        self._expected_ids: set[int] = set()

    def is_expected(self, happened: Observed) -> bool:
        """Whether this was expected, or allowed."""
        return id(happened) in self._expected_ids

    def begin_turn(self) -> bool:
        """Something new is about to be said or done; whether it is the first since something was expected.

        Raises ExpectationFailed for a message that nobody expected.
        """
        if not self._has_expected:
            return False
        self.reject_unexpected("the bot says something that no step expects")
        self._position = len(self._chronicle.observed)
        self._has_expected = False
        return True

    def reject_unexpected(self, reason: str) -> None:
        """Raises ExpectationFailed with this reason when there is a message that nobody expected."""
        for happened in self._chronicle.observed[self._position :]:
            if isinstance(happened, BotMessage):
                raise ExpectationFailed(reason, instead=happened)

    async def expect(self, step: Expect, room: str) -> None:
        """Wait until all of it has happened. Raises ExpectationFailed."""
        search = _Pending(step, room, _now(), list(step.expected))
        self._has_expected = True
        while True:
            self._chronicle.changed.clear()
            self._match_observed(search)
            if not search.remaining:
                return
            first = min(search.candidates(), key=lambda expected: expected.within)
            until = search.started_at + first.within
            if not await self._wait_for_change(until):
                others = [expected for expected in search.remaining if expected is not first]
                raise ExpectationFailed(_missing(first), missing=[first, *others], began=search.started_at)

    async def expect_nothing(self, step: ExpectNothing) -> None:
        """Wait that long. Raises ExpectationFailed as soon as the bot says something, or a flow sends a command."""
        until = _now() + step.seconds
        self._has_expected = True
        while True:
            self._chronicle.changed.clear()
            for happened in self._unread():
                if isinstance(happened, BotMessage | CommandSent):
                    what = "the bot says something" if isinstance(happened, BotMessage) else "a flow sends a command"
                    raise ExpectationFailed(f"{what}, and nothing was expected", instead=happened)
            if not await self._wait_for_change(until):
                return

    def _match_observed(self, search: _Pending) -> None:
        """Go through what has happened so far."""
        while search.remaining and (happened := next(self._unread(), None)):
            found = next((one for one in search.candidates() if self._matches(one, happened, search.room)), None)
            if found:
                self._accept(found, happened, search)
            elif isinstance(happened, BotMessage):
                if not search.step.are_others_allowed:
                    raise self._mismatch(happened, search)
                self._expected_ids.add(id(happened))

    def _accept(self, expected: Expected, happened: Observed, search: _Pending) -> None:
        seconds = happened.at - search.started_at
        if expected.after and seconds < expected.after:
            reason = f"it came after {seconds:.3g} s, and not before {expected.after:g} s was expected"
            raise ExpectationFailed(reason, missing=search.remaining, instead=happened, began=search.started_at)
        search.remaining.remove(expected)
        self._expected_ids.add(id(happened))
        if isinstance(expected, ExpectedMessage) and isinstance(happened, BotMessage):
            self._names.define(expected.name, happened.spoken)

    def _mismatch(self, message: BotMessage, search: _Pending) -> ExpectationFailed:
        candidates = [one for one in search.candidates() if isinstance(one, ExpectedMessage)]
        if len(candidates) == 1:
            found = differences(candidates[0], message, self._names, search.room)
            return ExpectationFailed(
                "; ".join(found), missing=search.remaining, instead=message, began=search.started_at
            )
        reason = "the bot says something that this step does not expect; `others: allowed` would let it pass"
        return ExpectationFailed(reason, missing=search.remaining, instead=message, began=search.started_at)

    def _matches(self, expected: Expected, happened: Observed, room: str) -> bool:
        return is_same_kind(expected, happened) and not differences(expected, happened, self._names, room)

    def _unread(self) -> Iterator[Observed]:
        while self._position < len(self._chronicle.observed):
            self._position += 1
            yield self._chronicle.observed[self._position - 1]

    async def _wait_for_change(self, until: float) -> bool:
        """Wait for something to happen; False when nothing does in time."""
        try:
            async with asyncio.timeout_at(until):
                await self._chronicle.changed.wait()
        except TimeoutError:
            return False
        return True


def _missing(expected: Expected) -> str:
    return f"it did not happen within {expected.within:g} s"


def _now() -> float:
    return asyncio.get_running_loop().time()
