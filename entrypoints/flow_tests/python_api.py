"""Flow tests in Python: the same steps as in files, called one after the other."""

import asyncio
import io
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from entrypoints.flow_tests.clock.seeded_random import SeededRandom
from entrypoints.flow_tests.clock.virtual_time import VirtualTimeLoop
from entrypoints.flow_tests.model import (
    DEFAULT_TIMEOUT_SECONDS,
    Expect,
    Expected,
    ExpectedCommand,
    ExpectedEvent,
    ExpectedMessage,
    ExpectNothing,
    FlowTestSetup,
    FlyteFault,
    Invite,
    RaiseEvent,
    Remove,
    Say,
    SlackFault,
    TestStep,
    Wait,
)
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.flow_tests.reporting.console import report_reason
from entrypoints.flow_tests.runtime.environment import running_environment
from entrypoints.flow_tests.runtime.expectations import ExpectationFailed
from entrypoints.flow_tests.runtime.runner import Runner
from entrypoints.simulation.console.output import PlainOutput
from entrypoints.simulation.flyte.document_schemas import template_tree
from entrypoints.simulation.flyte.step_evaluator import RenderError
from entrypoints.simulation.pongo2.template import Template


class FlowConversation:
    """A world with flows in it, in which a test says things and looks at what follows; opened by `conversation`.

    Not for use within a coroutine. Texts are templates, as in files. Times are in seconds of virtual time. Messages are
    known by the names that `say` and `expect` return. What does not go as expected is an AssertionError that shows the
    conversation.
    """

    def __init__(self, loop: VirtualTimeLoop, player: Runner) -> None:
        self._loop = loop
        self._runner = player
        self._random = SeededRandom()
        self._names = 0
        self._has_failed = False

    def say(self, text: str, *, by: str = "", room: str = "", thread: str = "") -> str:
        """Say something; without a speaker and a room: as the last time."""
        name = self._new_name()
        self._run_step(Say(text=Template(text), speaker=by, room=room, thread=thread, name=name))
        return name

    def event(self, pack: str, event: str, payload: object = None, labels: Mapping[str, str] | None = None) -> None:
        """Let a pack send an event of its own accord."""
        self._run_step(RaiseEvent(pack=pack, event=event, payload=template_tree(payload), labels=labels or {}))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._run_step(Wait(seconds=seconds))

    def invite(self, room: str) -> None:
        """Invite the bot into a channel."""
        self._run_step(Invite(room=room))

    def remove(self, room: str) -> None:
        """Remove the bot from a channel."""
        self._run_step(Remove(room=room))

    def slack(
        self, answer: str, *, seconds: float | None = None, times: int | None = None, call: str = "post",
        is_posted: bool = True,
    ) -> None:  # fmt: skip
        """Let Slack answer otherwise; see SlackTrouble."""
        self._run_step(SlackFault(answer=answer, seconds=seconds, times=times, call=call, is_posted=is_posted))

    def flyte(self, state: str, *, seconds: float | None = None, times: int | None = None) -> None:
        """Let Flyte be `down`, fail (`fails`), or work again (`works`)."""
        self._run_step(FlyteFault(state=state, seconds=seconds, times=times))

    def expect(
        self, text: object = None, *, room: str = "", thread: str = "", fields: object = None,
        within: float = DEFAULT_TIMEOUT_SECONDS, after: float = 0.0,
    ) -> str:  # fmt: skip
        """Expect a message of the bot's: a text, or an object with `matches` or `contains`."""
        name = self._new_name()
        self._expect(
            ExpectedMessage(
                text=template_tree(text),
                room=room,
                thread=thread,
                fields=template_tree(fields),
                name=name,
                within=within,
                after=after,
            )
        )
        return name

    def expect_command(
        self, command: str, *, pack: str = "", input_: object = None, within: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        """Expect a command that a flow sends."""
        self._expect(ExpectedCommand(command=command, pack=pack, input=template_tree(input_), within=within))

    def expect_event(
        self, event: str, *, pack: str = "", payload: object = None, within: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        """Expect an event that a pack sends."""
        self._expect(ExpectedEvent(event=event, pack=pack, payload=template_tree(payload), within=within))

    def expect_nothing(self, seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """Expect that the bot says nothing and no flow sends a command, for so long."""
        self._run_step(ExpectNothing(seconds=seconds))

    def end(self) -> None:
        """Wait for all that still follows; a message that was not expected is an AssertionError."""
        if not self._has_failed:  # one failure is enough
            self._run(self._runner.finish())

    def _expect(self, expected: Expected) -> None:
        self._run_step(Expect(expected=[expected]))

    def _run_step(self, step: TestStep) -> None:
        self._run(self._runner.run_step(step))

    def _run(self, deed: Coroutine[Any, Any, None]) -> None:
        with silent_logs(), self._random.active():
            try:
                self._loop.run_until_complete(self._runner.run_guarded(deed))
            except (ExpectationFailed, RenderError) as error:
                failure = self._loop.run_until_complete(self._runner.diagnose(error))
            else:
                return
        self._has_failed = True
        page = io.StringIO()
        report_reason(PlainOutput(page), failure)
        raise AssertionError(page.getvalue())

    def _new_name(self) -> str:
        self._names += 1
        return f"message_{self._names}"


@contextmanager
def open_conversation(scene: FlowTestSetup) -> Iterator[FlowConversation]:
    """A conversation in a world of its own. Its end is the pack's; nothing is expected of it."""
    with silent_logs(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        loop = runner.get_loop()
        opened, closing = loop.create_future(), asyncio.Event()
        staying = loop.create_task(_hold_environment_open(scene, opened, closing), name="world")
        yield FlowConversation(loop, loop.run_until_complete(opened))  # type: ignore[arg-type] # made by the factory
        closing.set()
        loop.run_until_complete(staying)


async def _hold_environment_open(
    scene: FlowTestSetup, opened: "asyncio.Future[Runner]", closing: asyncio.Event
) -> None:
    """A world has to be left by the task that entered it."""
    async with running_environment(scene) as world:
        opened.set_result(Runner(world))
        await closing.wait()
