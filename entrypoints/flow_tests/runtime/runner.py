"""Runs a flow test step by step, until one fails."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final

from adapters.memory.clock import run_in_virtual_time
from entrypoints.flow_tests.model import Expect, ExpectNothing, FlowTest, Repeat, TestStep
from entrypoints.flow_tests.result import Failure, FlowTestResult
from entrypoints.flow_tests.runtime.diagnosis import FailureReporter
from entrypoints.flow_tests.runtime.environment import FlowTestEnvironment, running_environment
from entrypoints.flow_tests.runtime.expectations import ExpectationFailed, ExpectationMatcher, ImpossibleStep
from entrypoints.flow_tests.runtime.names import Names
from entrypoints.flow_tests.runtime.observed import BotView, NewMessage
from entrypoints.flow_tests.runtime.people import People
from entrypoints.flow_tests.runtime.seeded_random import SeededRandom
from entrypoints.flow_tests.steps import Action, FlyteFault, Invite, RaiseEvent, Remove, Say, SlackFault, Wait
from entrypoints.simulation.flyte.step_evaluator import RenderError
from entrypoints.simulation.workspaces.workspace import BOT, NotAllowed, UnknownName

_SETTLE_TIMEOUT_SECONDS: Final = 600.0
"""The time limit, in virtual time, for everything that still follows after the last step."""
_SETTLE_AFTER_FAILURE_SECONDS: Final = 60.0
"""Virtual time after a failure, so that the report includes what comes too late."""

_TOO_EARLY: Final = "the bot's message or modal comes after this step: put an expect that waits for it before this"


def run_flow_test(test: FlowTest) -> FlowTestResult:
    """Runs a test; every run has the same random numbers."""
    began = time.perf_counter()
    with SeededRandom().active():
        result = run_in_virtual_time(_run(test))
    return replace(result, real_seconds=time.perf_counter() - began)


async def _run(test: FlowTest) -> FlowTestResult:
    async with running_environment(test.setup) as environment:
        runner = Runner(environment)
        failure = await runner.run(test.steps)
        seconds = asyncio.get_running_loop().time()
        return FlowTestResult(test, failure, seconds, 0.0, runner.reporter.conversation())


class Runner:
    """Runs steps in an environment."""

    def __init__(self, environment: FlowTestEnvironment) -> None:
        self._environment = environment
        self._names = Names(environment)
        self._matcher = ExpectationMatcher(environment.event_log, self._names)
        self.reporter = FailureReporter(environment, self._names, self._matcher)
        self._people = People(environment, self._names)
        self._path: list[tuple[str, int]] = []
        """The current step, from the outermost to the innermost, each with its line."""

    async def run(self, steps: Sequence[TestStep]) -> Failure | None:
        """Runs a test's steps and waits for the end. Returns why it failed, if it did."""
        try:
            await self.run_guarded(self._run_all(steps))
        except (ExpectationFailed, RenderError) as error:
            return await self.diagnose(error)
        return None

    async def run_guarded(self, operation: Coroutine[Any, Any, None]) -> None:
        """Runs an operation. Raises what it raises, and ExpectationFailed in a livelock."""
        work = asyncio.create_task(operation, name="steps of a test")
        livelock = asyncio.create_task(self._environment.event_log.livelock.wait(), name="livelock detection")
        try:
            await asyncio.wait((work, livelock), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ExpectationFailed("flows and packs trigger each other endlessly, and no time passes")
            work.result()
        finally:
            work.cancel()
            livelock.cancel()
            await asyncio.gather(work, livelock, return_exceptions=True)

    async def finish(self) -> None:
        """Waits for everything that still follows. Raises ExpectationFailed for an unexpected message."""
        await self._environment.settle(_SETTLE_TIMEOUT_SECONDS)
        self._matcher.reject_unexpected()

    async def diagnose(self, error: ExpectationFailed | RenderError) -> Failure:
        """Explains why the current step failed, including what still follows from it."""
        observed = self._environment.event_log.observed
        seen = len(observed)
        await self._environment.settle(_SETTLE_AFTER_FAILURE_SECONDS)
        if isinstance(error, ImpossibleStep) and any(isinstance(one, NewMessage | BotView) for one in observed[seen:]):
            error = ImpossibleStep(f"{error}; {_TOO_EARLY}")
        step = ", ".join(name for name, _ in self._path)
        return self.reporter.diagnose(error, step, self._path[-1][1] if self._path else 0, self._people.scene)

    async def run_step(self, step: TestStep) -> None:
        """Runs one step. Raises ExpectationFailed, and RenderError for a template in it."""
        match step:
            case Expect():
                await self._matcher.expect(step, self._people.scene)
                await self._environment.run_ready_tasks()
            case ExpectNothing():
                await self._matcher.expect_nothing(step)
            case Wait(seconds=seconds):
                await asyncio.sleep(seconds)
            case Repeat():
                await self._repeat(step)
            case _:
                if self._matcher.begin_turn():
                    self.reporter.begin_turn()
                try:
                    self._act(step)
                except (UnknownName, NotAllowed) as error:
                    raise ImpossibleStep(str(error)) from error
                if not isinstance(step, Say | RaiseEvent):
                    await self._environment.take_turns()  # a submitted modal closes once that is acknowledged

    async def _run_all(self, steps: Sequence[TestStep]) -> None:
        await self._run_steps(steps, "")
        self._path = [("the end", 0)]
        await self.finish()

    async def _run_steps(self, steps: Sequence[TestStep], prefix: str) -> None:
        for number, step in enumerate(steps, start=1):
            self._path.append((f"{prefix}step {number}", step.line))
            await self.run_step(step)
            self._path.pop()

    def _act(self, step: Action) -> None:
        workspace = self._environment.workspace
        match step:
            case RaiseEvent(pack=pack, event=event, payload=payload, labels=labels):
                self._environment.flyte.raise_event(pack, event, self._names.render(payload), labels=labels)
            case Invite(room=room):
                workspace.invite(BOT, workspace.conversation(room, ""))
            case Remove(room=room):
                workspace.kick(BOT, workspace.conversation(room, ""))
            case SlackFault():
                self._environment.set_slack_fault(step)
            case FlyteFault():
                self._environment.flyte_faults.set(step)
            case _:
                self._people.act(step)

    async def _repeat(self, step: Repeat) -> None:
        loop = asyncio.get_running_loop()
        began, outer_round = loop.time(), self._names.round
        for number in range(1, step.times + 1):
            self._names.round = number
            await self._run_steps(step.steps, f"round {number}, ")
            await asyncio.sleep(max(0.0, began + number * step.every - loop.time()))
        self._names.round = outer_round
