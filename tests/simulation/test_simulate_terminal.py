"""`flyte-slack simulate` in a terminal: prompt, colours, completion, wrapping and exit."""

import asyncio
import os
import pty
import re
import select
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from io import StringIO

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import fragment_list_to_text
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.console.output import Line, Span
from entrypoints.simulation.console.session import ConsoleSession
from entrypoints.simulation.console.terminal import ColourOutput, CommandCompleter, greetings, prompt_text, run_terminal
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedAnswer
from tests.support.console import ECHO, ConsoleDriver, flow, open_console
from tests.support.simulated import PROGRAM

DEPLOYING = flow("""
name: deploying
steps:
- id: deploy
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'deploy' }}"
  command: {packName: Deployer, name: Deploy}
- id: done
  dependsOn: [deploy]
  event: {packName: Deployer, name: Deployed}
  command: {packName: Slack, name: Broadcast, input: {message: done}}
""")
SLOW = PackScript(name="Deployer", commands={"Deploy": (ScriptedAnswer(event="Deployed", after_seconds=0.7),)})
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>])|\r")


class Terminal:
    """A pseudo-terminal in which a simulation runs."""

    def __init__(self, descriptor: int, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.raw = ""
        self._descriptor = descriptor

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def wait_for(self, text: str, *, after: str = "", seconds: float = 15) -> str:
        """Returns all output without colours as soon as it contains the text, somewhere after `after`."""
        deadline = time.monotonic() + seconds
        while text not in self.shown[max(0, self.shown.find(after)) :]:
            assert time.monotonic() < deadline, f"{text!r} is not in {self.shown!r}"
            self._read(deadline - time.monotonic())
        return self.shown

    def wait(self) -> int:
        """Read the rest of the output; returns the exit status."""
        while self._read(10):
            pass
        return self.process.wait(10)

    @property
    def shown(self) -> str:
        return _ESCAPES.sub("", self.raw)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._descriptor], [], [], max(0, seconds))[0]:
            return False
        try:
            shown = os.read(self._descriptor, 65_536).decode(errors="replace")
        except OSError:  # what Linux raises when the other end is closed
            return False
        self.raw += shown
        if "\x1b[6n" in shown:
            self.type("\x1b[1;1R")  # a terminal's answer to the request for its cursor position
        return bool(shown)


@contextmanager
def terminal(*options: str) -> Iterator[Terminal]:
    parent, child = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment["TERM"] = "xterm-256color"
    with subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, *options], stdin=child, stdout=child, stderr=child, env=environment, start_new_session=True
    ) as process:
        os.close(child)
        try:
            yield Terminal(parent, process)
        finally:
            process.kill()
            os.close(parent)


async def output_of(console: ConsoleDriver, keys: str) -> str:
    """Returns the output after these keys and Ctrl-D."""
    async with typing_into(console, settle_seconds=0.2) as keyboard:
        keyboard.send_text(keys + "\x04")
    return console.written.getvalue()


@asynccontextmanager
async def typing_into(console: ConsoleDriver, settle_seconds: float) -> AsyncIterator[PipeInput]:
    """Runs a terminal; yields its keyboard, and returns when the terminal has ended."""
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
        async with asyncio.TaskGroup() as tasks:
            printing = tasks.create_task(console.session.printer.run(), name="print events")
            terminal_ = tasks.create_task(run_terminal(console.session, settle_seconds), name="terminal")
            yield keyboard
            await terminal_
            printing.cancel()


def completions(session: ConsoleSession, text: str) -> list[str]:
    found = CommandCompleter(session).get_completions(Document(text), CompleteEvent())
    return [completion.text for completion in found]


def test_a_typed_message_is_posted_and_explained_in_colours_and_ctrl_d_exits() -> None:
    with terminal("--log-level", "info") as simulation:
        simulation.wait_for("alice in #general>")
        simulation.type("echo hello\r")
        output = simulation.wait_for("answer  Slack MessageSent")
        simulation.wait_for("alice in #general>", after="answer  Slack MessageSent")
        simulation.type("\x04")

        assert simulation.wait() == 0
        assert "[1] #general alice: echo hello\n" in output
        assert "flow    echo, step get_message runs\n" in output
        assert ">>> hello\n" in output
        assert "\x1b[1;32malice: " in simulation.raw
        assert "message_delivered" in simulation.shown
        assert "Traceback" not in simulation.raw


def test_ctrl_c_exits_without_an_error() -> None:
    with terminal("--in-memory") as simulation:
        simulation.wait_for("alice in #general>")
        simulation.type("\x03")

        assert simulation.wait() == 0
        assert "Traceback" not in simulation.raw


async def test_lines_run_one_after_the_other_until_the_end() -> None:
    async with open_console() as console:
        output = await output_of(console, "/as bob\recho one\recho two\r")

    assert re.findall(r"bob: echo \w+|>>> \w+", output) == ["bob: echo one", ">>> one", "bob: echo two", ">>> two"]


async def test_invalid_input_is_explained_and_the_session_continues() -> None:
    async with open_console() as console:
        output = await output_of(console, "/nothing\recho hi\r")

    assert re.search(r"there is no command /nothing; .*\n#general alice: echo hi\n", output)


async def test_quit_ignores_the_lines_after_it() -> None:
    async with open_console() as console:
        assert "later" not in await output_of(console, "/quit\rlater\r")


async def test_a_settle_timeout_is_explained_and_the_session_continues() -> None:
    async with open_console() as console:
        console.sandbox.flyte.flow_delay_seconds = 1
        output = await output_of(console, "echo hi\r/flows echo\r")

    assert "still busy after 0.2 s: flows have not run yet (does a flow trigger itself?)\n" in output
    assert "\nname: echo\n" in output


async def test_the_next_message_is_taken_while_a_pack_takes_its_time() -> None:
    async with (
        open_console(flows=[ECHO, DEPLOYING], packs=[SLOW]) as console,
        typing_into(console, settle_seconds=0.2) as keyboard,
    ):
        keyboard.send_text("deploy\recho hello\r")
        await console.session.slack.wait_for(lambda: console.session.slack.posts)
        keyboard.send_text("\x04")

    output = console.written.getvalue()
    assert re.findall(r"alice: .*|>>> .*", output) == ["alice: deploy", "alice: echo hello", ">>> hello"]


async def test_an_answer_that_comes_later_is_shown_when_it_comes() -> None:
    async with (
        open_console(flows=[DEPLOYING], packs=[SLOW]) as console,
        typing_into(console, settle_seconds=0.2) as keyboard,
    ):
        keyboard.send_text("deploy\r/who\r")
        await console.session.slack.wait_for(lambda: console.session.slack.posts)
        keyboard.send_text("\x04")

    assert re.search(r"alice: deploy\n(.*\n)*packs: (.*\n)*#general flyte: done\n", console.written.getvalue())


async def test_what_a_line_waits_for_is_told_after_a_while() -> None:
    async with open_console(flows=[DEPLOYING], packs=[SLOW]) as console:
        output = await output_of(console, "deploy\r/who\r/who\r")

    assert output.count("still busy after 0.2 s: ") == 1


async def test_failures_of_flows_are_told_when_their_steps_are_not() -> None:
    lonely = flow("""
name: lonely
steps:
- event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Rota, name: WhoIsOnCall}
""")
    async with open_console(flows=[lonely]) as console:
        assert "flow lonely: there is no pack Rota to take WhoIsOnCall" in await output_of(console, "hi\r")
    async with open_console(flows=[lonely], detail=Detail.ON) as console:
        assert "flow lonely: there is no pack" not in await output_of(console, "hi\r")


async def test_the_greeting_names_the_flows_that_run_and_how_to_have_the_built_in_ones() -> None:
    async with open_console(flows=[DEPLOYING]) as console:
        first, second, _ = greetings(console.session)

    assert first == "The pack is running between a simulated Slack and a simulated Flyte. Flows: deploying"
    assert second == "The built-in flows do not run (announce_deployments, echo); --built-in adds them."


async def test_the_prompt_shows_speaker_conversation_and_thread() -> None:
    async with open_console() as console:
        assert fragment_list_to_text(prompt_text(console.session)) == "alice in #general> "
        await console.run("/as bob", "/in ops", "hello", "/thread 1", "reply", "/thread 2")
        assert fragment_list_to_text(prompt_text(console.session)) == "bob in #ops (thread of [1])> "


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "/e": ["/edit", "/event", "/explain"],
        "/as ": ["alice", "bob"],
        "/in #": ["#general", "#ops", "#deployments", "#board"],
        "/in @": ["@flyte"],
        "/invite f": ["flyte"],
        "/event ": ["Slack"],
        "/event Slack R": ["ReceivedMessage"],
        "/flows e": ["echo"],
        "/explain f": ["full"],
        "/react ta": ["tada"],
        "/thread o": ["off"],
        "/quit ": [],
        "/as alice ": [],
        "hello @b": ["@bob"],
        "see #o": ["#ops"],
        "hello": [],
    }.items(),
)
async def test_the_completer_offers_what_can_follow(text: str, expected: list[str]) -> None:
    async with open_console() as console:
        assert completions(console.session, text) == expected


def test_a_long_text_is_wrapped_and_indented() -> None:
    stream = StringIO()
    line = Line((Span("alice: ", "person"), Span("one two three four five six seven eight nine\nten")), indent=7)

    ColourOutput(stream, width=40).write(line)

    assert _ESCAPES.sub("", stream.getvalue()).splitlines() == [
        "alice: one two three four five six seven",
        "       eight nine",
        "       ten",
    ]


def test_a_narrow_terminal_wraps_without_indent() -> None:
    stream = StringIO()

    ColourOutput(stream, width=20).write(Line((Span("someone: ", "person"), Span("a text of some length")), indent=9))

    assert _ESCAPES.sub("", stream.getvalue()).splitlines() == ["someone: a text of ", "some length"]
