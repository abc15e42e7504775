"""Matches what happens in a flow test against its expectations."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from entrypoints.flow_tests.expected import (
    Expected,
    ExpectedDirectMessage,
    ExpectedEphemeral,
    ExpectedFile,
    ExpectedMessage,
)
from entrypoints.flow_tests.model import Expect, ExpectNothing
from entrypoints.flow_tests.runtime.diff import differences, is_same_kind
from entrypoints.flow_tests.runtime.event_log import EventLog
from entrypoints.flow_tests.runtime.names import Names, Scene
from entrypoints.flow_tests.runtime.observed import CommandSent, NewMessage, Observed

_NAMED: Final = (ExpectedMessage, ExpectedEphemeral, ExpectedDirectMessage, ExpectedFile)
UNEXPECTED_MESSAGE: Final = "the bot posts a message that this step does not expect"


class ExpectationFailed(Exception):
    """An expectation was not met, or something unexpected happened; the message says which."""

    def __init__(
        self, reason: str, *, missing: Sequence[Expected] = (), actual: Observed | None = None, started_at: float = 0.0
    ) -> None:
        super().__init__(reason)
        self.missing = missing
        """The expectations that were not met; the step failed at the first."""
        self.actual = actual
        self.started_at = started_at
        """When the step began, in virtual seconds."""


class ImpossibleStep(ExpectationFailed):
    """People cannot do what a step says; the message says what there is instead."""


@dataclass(slots=True)
class _Pending:
    """A step's expectations that are still to be met."""

    step: Expect
    scene: Scene
    started_at: float
    remaining: list[Expected]

    def candidates(self) -> list[Expected]:
        return self.remaining if self.step.in_any_order else self.remaining[:1]

    def failure(self, reason: str, actual: Observed | None = None) -> ExpectationFailed:
        return ExpectationFailed(reason, missing=self.remaining, actual=actual, started_at=self.started_at)


class ExpectationMatcher:
    """Reads the event log once, in its order."""

    def __init__(self, log: EventLog, names: Names) -> None:
        self._log = log
        self._names = names
        self._position = 0
        self._has_expected = False
        """Whether the last step expected something, so that later messages belong to the next turn."""
        self._expected_ids: set[int] = set()

    def is_expected(self, observed: Observed) -> bool:
        """Whether the occurrence was expected or allowed."""
        return id(observed) in self._expected_ids

    def begin_turn(self) -> bool:
        """Returns whether an action begins a new turn: it is the first since an expectation.

        Raises ExpectationFailed for an unexpected message.
        """
        if not self._has_expected:
            return False
        self.reject_unexpected()
        self._position = len(self._log.observed)
        self._has_expected = False
        return True

    def reject_unexpected(self) -> None:
        """Raises ExpectationFailed when a message is left that no step expected."""
        for observed in self._log.observed[self._position :]:
            if isinstance(observed, NewMessage):
                raise ExpectationFailed("the bot posts a message that no step expects", actual=observed)

    async def expect(self, step: Expect, scene: Scene) -> None:
        """Waits until all expectations of a step are met. Raises ExpectationFailed."""
        pending = _Pending(step, scene, asyncio.get_running_loop().time(), list(step.expected))
        self._has_expected = True
        while True:
            self._log.changed.clear()
            self._match_observed(pending)
            if not pending.remaining:
                return
            first = min(pending.candidates(), key=lambda expected: expected.within)
            if not await self._wait_for_change(pending.started_at + first.within):
                pending.remaining.sort(key=lambda expected: expected is not first)
                raise pending.failure(f"it did not happen within {first.within:g} s")

    async def expect_nothing(self, step: ExpectNothing) -> None:
        """Waits for the step's time. Raises ExpectationFailed for a message or a command."""
        until = asyncio.get_running_loop().time() + step.seconds
        self._has_expected = True
        while True:
            self._log.changed.clear()
            for observed in self._unread():
                if isinstance(observed, NewMessage | CommandSent):
                    what = "a flow sends a command" if isinstance(observed, CommandSent) else "the bot posts a message"
                    raise ExpectationFailed(f"{what}, and nothing was expected", actual=observed)
            if not await self._wait_for_change(until):
                return

    def _match_observed(self, pending: _Pending) -> None:
        while pending.remaining and (observed := next(self._unread(), None)):
            candidates = pending.candidates()
            match = next((one for one in candidates if self._matches(one, observed, pending.scene)), None)
            if match:
                self._accept(match, observed, pending)
            elif isinstance(observed, NewMessage):
                if not pending.step.are_others_allowed:
                    raise pending.failure(self._mismatch(observed, pending), observed)
                self._expected_ids.add(id(observed))

    def _accept(self, expected: Expected, observed: Observed, pending: _Pending) -> None:
        seconds = observed.at - pending.started_at
        if expected.after and seconds < expected.after:
            reason = f"it happened after {seconds:.3g} s; it was expected after {expected.after:g} s at the earliest"
            raise pending.failure(reason, observed)
        pending.remaining.remove(expected)
        self._expected_ids.add(id(observed))
        if isinstance(expected, _NAMED) and isinstance(observed, NewMessage):
            self._names.define(expected.name, observed.message)

    def _mismatch(self, message: NewMessage, pending: _Pending) -> str:
        candidates = [one for one in pending.candidates() if is_same_kind(one, message)]
        if len(candidates) == 1:
            return "; ".join(differences(candidates[0], message, self._names, pending.scene))
        return UNEXPECTED_MESSAGE

    def _matches(self, expected: Expected, observed: Observed, scene: Scene) -> bool:
        return is_same_kind(expected, observed) and not differences(expected, observed, self._names, scene)

    def _unread(self) -> Iterator[Observed]:
        while self._position < len(self._log.observed):
            self._position += 1
            yield self._log.observed[self._position - 1]

    async def _wait_for_change(self, until: float) -> bool:
        """Returns whether something happened in time."""
        try:
            async with asyncio.timeout_at(until):
                await self._log.changed.wait()
        except TimeoutError:
            return False
        return True
