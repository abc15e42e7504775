"""Apps in Bolt for Python and for JavaScript in `flyte-slack simulate --slack-only`, used as people use them."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.forked_process import ForkedProgram
from tests.support.simulated import started

HERE = Path(__file__).parent
PROGRAMS: dict[str, tuple[str | Path, Path]] = {
    "Python": (HERE / "python" / ".venv" / "bin" / "python", HERE / "python" / "app.py"),
    "JavaScript": ("node", HERE / "javascript" / "app.js"),
}


class Conversation:
    """What is typed into a simulation, and what it prints."""

    def __init__(self, simulation: ForkedProgram) -> None:
        self._input = simulation.stdin
        self._output = simulation.stdout

    def type(self, line: str) -> None:
        self._input.write(f"{line}\n")
        self._input.flush()

    def read_until(self, *texts: str) -> str:
        """Reads the output up to the line with which it has all of these texts."""
        read = ""
        while not all(text in read for text in texts):
            line = self._output.readline()
            assert line, f"the simulation has ended without {texts}, after:\n{read}"
            read += line
        return read


@contextmanager
def app_running(language: str, environment: dict[str, str]) -> Iterator[None]:
    with subprocess.Popen(PROGRAMS[language], env={**os.environ, **environment}) as app:  # noqa: S603 - our own program
        try:
            yield
        finally:
            app.terminate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture(
    scope="module", params=[(name, how) for name in PROGRAMS for how in ("Socket Mode", "HTTP")], ids=" ".join
)
def conversation(request: pytest.FixtureRequest) -> Iterator[Conversation]:
    """The conversation of a simulation whose app is connected."""
    language, transport = request.param
    port = free_port() if transport == "HTTP" else 0
    options = ["--deliver-to", f"http://127.0.0.1:{port}/slack/events"] if port else []
    with started("--slack-only", "--explain", *options) as simulation:
        talk = Conversation(simulation)
        variables = dict(re.findall(r"^export (\w+)=(\S+)$", talk.read_until("# Web page: "), re.MULTILINE))
        with app_running(language, variables | ({"PORT": str(port)} if port else {})):
            talk.read_until("# Delivering events to" if port else "# The app has connected")
            yield talk
        simulation.terminate()


def test_a_message_is_answered_with_blocks(conversation: Conversation) -> None:
    conversation.type("menu")

    assert ", there is soup and pizza." in conversation.read_until("actions Call the waiter")


def test_a_click_changes_the_message_and_is_answered_to_one_person(conversation: Conversation) -> None:
    conversation.type("menu")
    conversation.type("/click Call the waiter")

    conversation.read_until("#general flyte updates: The waiter comes to <@")
    conversation.read_until("#general (only alice sees it) flyte: Only a moment")


def test_a_slash_command_is_answered_by_its_acknowledgement(conversation: Conversation) -> None:
    conversation.type("/slash /hours 9:00")

    conversation.read_until("#general (only alice sees it) flyte: Open from 9:00 to 23:00")


def test_a_slash_command_opens_a_modal_which_is_refused_and_then_taken(conversation: Conversation) -> None:
    conversation.type("/slash /order")
    conversation.read_until("actions Dish")
    conversation.type("/submit Dish = fish")
    conversation.read_until("alice sees errors in the modal Order")
    conversation.type("/submit Dish = pizza")

    conversation.read_until("the modal Order of alice is closed", "> ordered pizza")


def test_a_shortcut_opens_a_modal(conversation: Conversation) -> None:
    conversation.type("/shortcut order")
    conversation.read_until("alice sees the modal Order")
    conversation.type("/submit Dish = soup")

    conversation.read_until("#general flyte: <@U00000001S> ordered soup")


def test_a_reaction_is_answered_with_a_reaction(conversation: Conversation) -> None:
    conversation.type("/react tada")

    conversation.read_until("#general alice reacts with :tada:")
    conversation.read_until("#general flyte reacts with :heart:")


def test_a_file_is_uploaded(conversation: Conversation) -> None:
    conversation.type("bill")

    conversation.read_until("#general flyte: The bill")
    conversation.read_until("(file bill.txt, 11 bytes)")
