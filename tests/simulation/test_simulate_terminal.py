"""`flyte-slack simulate` in a terminal: prompt, colours, completion, wrapping and exit."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import fragment_list_to_text
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from entrypoints.simulation.console.output import Line, Span
from entrypoints.simulation.console.session import ConsoleSession
from entrypoints.simulation.console.terminal import ColourOutput, CommandCompleter, prompt_text, run_terminal
from tests.support.console import ConsoleDriver, open_console
from tests.support.simulated import PROGRAM

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
    with create_pipe_input() as keyboard, create_app_session(input=keyboard, output=DummyOutput()):
        keyboard.send_text(keys + "\x04")
        await run_terminal(console.session, settle_seconds=0.2)
    return console.written.getvalue()


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

    assert (
        "still busy after 0.2 s: flows have not run yet (does a flow trigger itself?); you can continue meanwhile\n"
        in output
    )
    assert '"name": "echo"' in output


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
