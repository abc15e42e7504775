"""Flow tests in Python: the same steps as in files, as method calls."""

import asyncio
import io
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adapters.memory.clock import VirtualTimeLoop
from entrypoints.flow_tests.model import (
    DEFAULT_TIMEOUT_SECONDS,
    ChannelSetup,
    Expect,
    Expected,
    ExpectedCommand,
    ExpectedEvent,
    ExpectedMessage,
    ExpectNothing,
    FlowTestSetup,
    FlyteFault,
    Invite,
    PersonSetup,
    RaiseEvent,
    Remove,
    Say,
    SlackFault,
    TestStep,
    Wait,
)
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.flow_tests.reporting.console import report_details
from entrypoints.flow_tests.runtime.environment import running_environment
from entrypoints.flow_tests.runtime.expectations import ExpectationFailed
from entrypoints.flow_tests.runtime.runner import Runner
from entrypoints.flow_tests.runtime.seeded_random import SeededRandom
from entrypoints.simulation.console.output import PlainOutput
from entrypoints.simulation.flyte.datastore import datastore_from_file
from entrypoints.simulation.flyte.document_fields import template_tree
from entrypoints.simulation.flyte.flow_loader import flow_from_file
from entrypoints.simulation.flyte.scripted_pack import pack_from_file
from entrypoints.simulation.flyte.step_evaluator import RenderError
from entrypoints.simulation.pongo2.template import Template
from entrypoints.terminal_text import printable


class FlowConversation:
    """A conversation with flows; `open_conversation` opens one.

    Not for use in coroutines. Texts are templates, as in files; times are seconds of virtual time. `say` and `expect`
    return names for messages. A failed expectation raises an AssertionError that shows the conversation.
    """

    def __init__(self, loop: VirtualTimeLoop, runner: Runner) -> None:
        self._loop = loop
        self._runner = runner
        self._random = SeededRandom()
        self._names = 0
        self._has_failed = False

    def say(self, text: str, *, by: str = "", room: str = "", thread: str = "") -> str:
        """Posts a message; speaker and room default to those of the previous call. Returns the message's name."""
        name = self._new_name()
        self._run_step(Say(text=Template(text), speaker=by, room=room, thread=thread, name=name))
        return name

    def event(self, pack: str, event: str, payload: object = None, labels: Mapping[str, str] | None = None) -> None:
        """Sends an event from a pack."""
        self._run_step(RaiseEvent(pack=pack, event=event, payload=template_tree(payload), labels=labels or {}))

    def wait(self, seconds: float) -> None:
        """Lets time pass."""
        self._run_step(Wait(seconds=seconds))

    def invite(self, room: str) -> None:
        """Invites the bot to a channel."""
        self._run_step(Invite(room=room))

    def remove(self, room: str) -> None:
        """Removes the bot from a channel."""
        self._run_step(Remove(room=room))

    def slack(
        self, answer: str, *, seconds: float | None = None, times: int | None = None, call: str = "post",
        is_posted: bool = True,
    ) -> None:  # fmt: skip
        """Makes Slack fail; see SlackFault."""
        self._run_step(SlackFault(answer=answer, seconds=seconds, times=times, call=call, is_posted=is_posted))

    def flyte(self, state: str, *, seconds: float | None = None, times: int | None = None) -> None:
        """Makes Flyte fail (`down`, `fails`) or work again (`works`)."""
        self._run_step(FlyteFault(state=state, seconds=seconds, times=times))

    def expect(
        self, text: object = None, *, room: str = "", thread: str = "", fields: object = None,
        within: float = DEFAULT_TIMEOUT_SECONDS, after: float = 0.0,
    ) -> str:  # fmt: skip
        """Expects a message from the bot: a text, or an object with `matches` or `contains`. Returns its name."""
        text, fields, name = template_tree(text), template_tree(fields), self._new_name()
        self._expect(
            ExpectedMessage(text=text, room=room, thread=thread, fields=fields, name=name, within=within, after=after)
        )
        return name

    def expect_command(
        self, command: str, *, pack: str = "", input_: object = None, within: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        """Expects a command from a flow."""
        self._expect(ExpectedCommand(command=command, pack=pack, input=template_tree(input_), within=within))

    def expect_event(
        self, event: str, *, pack: str = "", payload: object = None, within: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        """Expects an event from a pack."""
        self._expect(ExpectedEvent(event=event, pack=pack, payload=template_tree(payload), within=within))

    def expect_nothing(self, seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """Expects that the bot posts nothing and no flow sends a command for some time."""
        self._run_step(ExpectNothing(seconds=seconds))

    def end(self) -> None:
        """Waits for everything that still follows. Raises AssertionError for an unexpected message."""
        if not self._has_failed:  # one failure is enough
            self._run(self._runner.finish())

    def _expect(self, expected: Expected) -> None:
        self._run_step(Expect(expected=[expected]))

    def _run_step(self, step: TestStep) -> None:
        self._run(self._runner.run_step(step))

    def _run(self, operation: Coroutine[Any, Any, None]) -> None:
        with silent_logs(), self._random.active():
            try:
                self._loop.run_until_complete(self._runner.run_guarded(operation))
            except (ExpectationFailed, RenderError) as error:
                failure = self._loop.run_until_complete(self._runner.diagnose(error))
            else:
                return
        self._has_failed = True
        report = io.StringIO()
        report_details(PlainOutput(report), failure)
        raise AssertionError(f"{printable(failure.reason)}\n{report.getvalue()}")

    def _new_name(self) -> str:
        self._names += 1
        return f"message_{self._names}"


def load_setup(
    folder: Path,
    flows: Sequence[str | Path],
    packs: Sequence[str | Path],
    people: Sequence[PersonSetup],
    channels: Sequence[ChannelSetup],
    datastore: Mapping[str, object] | str | Path,
) -> FlowTestSetup:
    """Loads flows, packs and the datastore from files in a folder; if empty, people and channels are the default ones.

    `datastore` has items by key, or is such a file.
    """
    default = FlowTestSetup()
    return FlowTestSetup(
        flows=[flow_from_file(folder / path) for path in flows],
        packs=[pack_from_file(folder / path) for path in packs],
        people=people or default.people,
        channels=channels or default.channels,
        datastore=datastore if isinstance(datastore, Mapping) else datastore_from_file(folder / datastore),
    )


@contextmanager
def open_conversation(setup: FlowTestSetup) -> Iterator[FlowConversation]:
    """Opens a conversation in an environment of its own, and stops the pack at the end."""
    with silent_logs(), asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        loop = runner.get_loop()
        opened, closing = loop.create_future(), asyncio.Event()
        holding = loop.create_task(_hold_environment_open(setup, opened, closing), name="environment")
        yield FlowConversation(loop, loop.run_until_complete(opened))  # type: ignore[arg-type] # made by the factory
        closing.set()
        loop.run_until_complete(holding)


async def _hold_environment_open(
    setup: FlowTestSetup, opened: "asyncio.Future[Runner]", closing: asyncio.Event
) -> None:
    """Enters and leaves the environment in one task, as task groups require."""
    async with running_environment(setup) as environment:
        opened.set_result(Runner(environment))
        await closing.wait()
