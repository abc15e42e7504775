"""Plays a flow test: step by step, until one of them goes another way than it should."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final, assert_never

from entrypoints.flow_tests.clock.seeded_random import SeededRandom
from entrypoints.flow_tests.clock.virtual_time import run_virtually
from entrypoints.flow_tests.model import (
    Expect,
    ExpectNothing,
    FlowTest,
    FlyteFault,
    Invite,
    RaiseEvent,
    Remove,
    Repeat,
    Say,
    SlackFault,
    TestStep,
    Wait,
)
from entrypoints.flow_tests.result import Failure, FlowTestResult
from entrypoints.flow_tests.runtime.diagnosis import FailureReporter
from entrypoints.flow_tests.runtime.environment import FlowTestEnvironment, running_environment
from entrypoints.flow_tests.runtime.expectations import ExpectationFailed, ExpectationMatcher
from entrypoints.flow_tests.runtime.names import Names
from entrypoints.simulation.flyte.step_evaluator import RenderError
from entrypoints.simulation.workspaces.workspace import BOT

_SETTLE_TIMEOUT_SECONDS: Final = 600.0
"""Of virtual time, for what still follows when all steps are done."""
_SETTLE_AFTER_FAILURE_SECONDS: Final = 60.0
"""Likewise when a step has failed: what comes late says more than that it did not come in time."""


def run_flow_test(test: FlowTest) -> FlowTestResult:
    """What comes of a test. Chance is the same in each run."""
    began = time.perf_counter()
    with SeededRandom().active():
        verdict = run_virtually(_run(test))
    return replace(verdict, real_seconds=time.perf_counter() - began)


async def _run(test: FlowTest) -> FlowTestResult:
    async with running_environment(test.setup) as world:
        player = Runner(world)
        failure = await player.run(test.steps)
        seconds = asyncio.get_running_loop().time()
        return FlowTestResult(test, failure, seconds, 0.0, player.reporter.conversation())


class Runner:
    """Carries out steps in a world."""

    def __init__(self, world: FlowTestEnvironment) -> None:
        self._world = world
        self._names = Names(world)
        self._expecting = ExpectationMatcher(world.event_log, self._names)
        self.reporter = FailureReporter(world, self._names, self._expecting)
        self._speaker = world.workspace.handles[0]
        self._room = world.workspace.conversations()[0].label
        self._at: list[tuple[str, int]] = []
        """Which step it is, from the outermost to the innermost, each with its line."""

    async def run(self, steps: Sequence[TestStep]) -> Failure | None:
        """Carry out a test's steps, and see that nothing more comes; why it failed, or None."""
        try:
            await self.run_guarded(self._run_all(steps))
        except (ExpectationFailed, RenderError) as error:
            return await self.diagnose(error)
        return None

    async def run_guarded(self, deed: Coroutine[Any, Any, None]) -> None:
        """Let it be done. Raises what it raises, and ExpectationFailed when it is held up by what never ends."""
        work = asyncio.create_task(deed, name="steps of a test")
        circles = asyncio.create_task(self._world.event_log.livelock.wait(), name="watch for circles")
        try:
            await asyncio.wait((work, circles), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ExpectationFailed("flows and packs go round in circles: no time passes between what they do")
            work.result()
        finally:
            work.cancel()
            circles.cancel()
            await asyncio.gather(work, circles, return_exceptions=True)

    async def finish(self) -> None:
        """Wait for all that still follows. Raises ExpectationFailed for a message that nobody expected."""
        await self._world.settle(_SETTLE_TIMEOUT_SECONDS)
        self._expecting.reject_unexpected("the bot says something that no step expects")

    async def diagnose(self, error: ExpectationFailed | RenderError) -> Failure:
        """Why the step that is being carried out failed; what still follows from it is part of that."""
        await self._world.settle(_SETTLE_AFTER_FAILURE_SECONDS)
        where = ", ".join(name for name, _ in self._at)
        return self.reporter.diagnose(error, where, self._at[-1][1] if self._at else 0, self._room)

    async def _run_all(self, steps: Sequence[TestStep]) -> None:
        await self._run_steps(steps, "")
        self._at = [("the end", 0)]
        await self.finish()

    async def _run_steps(self, steps: Sequence[TestStep], prefix: str) -> None:
        for number, step in enumerate(steps, start=1):
            self._at.append((f"{prefix}step {number}", step.line))
            await self.run_step(step)
            self._at.pop()

    async def run_step(self, step: TestStep) -> None:
        """Carry out one step. Raises ExpectationFailed, and RenderError for a template in it."""
        match step:
            case Expect():
                await self._expecting.expect(step, self._room)
                await self._world.run_ready_tasks()
            case ExpectNothing():
                await self._expecting.expect_nothing(step)
            case Wait(seconds=seconds):
                await asyncio.sleep(seconds)
            case Repeat():
                await self._repeat(step)
            case Say() | RaiseEvent() | Invite() | Remove() | SlackFault() | FlyteFault():
                if self._expecting.begin_turn():
                    self.reporter.begin_turn()
                self._act(step)
            case _:
                assert_never(step)

    def _act(self, step: Say | RaiseEvent | Invite | Remove | SlackFault | FlyteFault) -> None:
        workspace = self._world.workspace
        match step:
            case Say():
                self._say(step)
            case RaiseEvent(pack=pack, event=event, payload=payload, labels=labels):
                self._world.flyte.raise_event(pack, event, self._names.render(payload), labels=labels)
            case Invite(room=room):
                workspace.invite(BOT, workspace.conversation(room, self._speaker))
            case Remove(room=room):
                workspace.kick(BOT, workspace.conversation(room, self._speaker))
            case SlackFault():
                self._world.set_slack_fault(step)
            case FlyteFault():
                self._world.flyte_faults.set(step)
            case _:
                assert_never(step)

    def _say(self, step: Say) -> None:
        self._speaker = step.speaker or self._speaker
        self._room = step.room or self._room
        workspace = self._world.workspace
        room = workspace.conversation(self._room, self._speaker)
        text = self._names.render_text(step.text) if step.is_raw else self._names.render_typed(step.text)
        timestamp = workspace.say(self._speaker, room, text, self._names.thread_timestamp(step.thread))
        number = self._world.transcript.number(room.id, timestamp)
        self._names.define(step.name, self._world.transcript.message(number) if number else None)

    async def _repeat(self, step: Repeat) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        outer = self._names.round
        for number in range(1, step.times + 1):
            await asyncio.sleep(max(0.0, began + (number - 1) * step.every - loop.time()))
            self._names.round = number
            await self._run_steps(step.steps, f"round {number}, ")
        await asyncio.sleep(max(0.0, began + step.times * step.every - loop.time()))
        self._names.round = outer
