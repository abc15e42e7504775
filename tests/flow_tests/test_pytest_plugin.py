"""The fixture `flow_test`: flow tests in Python."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from entrypoints.flow_tests.model import ChannelSetup, PersonSetup
from entrypoints.flow_tests.python_api import FlowConversation
from tests.flow_tests.running import ASKING, BROADCASTING, ECHO, ORACLE, THREADED


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_conversation_is_held_and_looked_at(flow_test: Callable[..., FlowConversation], tmp_path: Path) -> None:
    talk = flow_test(flows=[file(tmp_path, "flow.yaml", THREADED)])

    question = talk.say("echo hello", by="bob", room="#ops")
    answer = talk.expect("hello", thread=question, within=2)
    talk.say("echo again", thread=answer)
    talk.expect({"matches": "^a"}, thread=question)
    talk.say("hello")
    talk.expect_nothing(seconds=5)


def test_packs_commands_and_events_take_part(flow_test: Callable[..., FlowConversation], tmp_path: Path) -> None:
    talk = flow_test(flows=[file(tmp_path, "flow.yaml", ASKING)], packs=[file(tmp_path, "oracle.yaml", ORACLE)])

    talk.say("what?")
    talk.expect_command("Ask", pack="Oracle", input_={"words": ["a", "what?"]})
    talk.expect_event("Answered", payload={"details": {"certain": True}})
    talk.expect("42 for <@alice>")


def test_troubles_and_time_take_part(flow_test: Callable[..., FlowConversation], tmp_path: Path) -> None:
    talk = flow_test(flows=[file(tmp_path, "flow.yaml", ECHO)])

    talk.slack("ratelimited", seconds=30)
    talk.say("echo a")
    talk.expect("a", after=30, within=31)
    talk.flyte("down")
    talk.say("echo b")
    talk.wait(60)
    talk.flyte("works")
    talk.expect("b", within=15)


def test_the_world_is_as_it_is_asked_for(flow_test: Callable[..., FlowConversation], tmp_path: Path) -> None:
    talk = flow_test(
        flows=[file(tmp_path, "flow.yaml", BROADCASTING.replace("Event.Payload.what", "datastore('what')"))],
        people=[PersonSetup("zoe")],
        channels=[ChannelSetup("#a"), ChannelSetup("#b", is_joined=False)],
        settings={"FLYTE_SLACK_MESSAGES_PER_SECOND": "5"},
        datastore={"what": "noon"},
    )

    talk.event("Timer", "Rang")
    talk.expect("noon", room="#a")
    talk.invite("#b")
    talk.remove("#a")
    talk.event("Timer", "Rang")
    talk.expect("noon", room="#b")


def test_what_does_not_go_as_expected_is_an_assertion_error_with_the_conversation(
    flow_test: Callable[..., FlowConversation], tmp_path: Path
) -> None:
    talk = flow_test(flows=[file(tmp_path, "flow.yaml", ECHO)])
    talk.say("echo a")

    with pytest.raises(AssertionError) as failure:
        talk.expect("b")

    assert str(failure.value).startswith('the text is "a", not "b"; it is sent by flow echo, step answer\n')
    assert "      - #general flyte: b\n      + [2] #general flyte: a\n" in str(failure.value)


def run_pytest(folder: Path, code: str) -> str:
    """What pytest says of a file of tests of somebody else's."""
    (folder / "flow.yaml").write_text(ECHO)
    (folder / "test_it.py").write_text(dedent(code))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own
    return ran.stdout + ran.stderr


def test_a_message_that_nobody_expected_is_told_at_the_end(tmp_path: Path) -> None:
    told = run_pytest(tmp_path, """
        def test_it(flow_test):
            flow_test(flows=["flow.yaml"]).say("echo a")
    """)  # fmt: skip

    assert "the bot posts a message that no step expects" in told
    assert "1 passed, 1 error" in told


def test_who_does_not_use_the_fixture_pays_nothing_for_it(tmp_path: Path) -> None:
    told = run_pytest(tmp_path, """
        import sys

        def test_it():
            assert [name for name in sys.modules if name.startswith("entrypoints")] == [
                "entrypoints", "entrypoints.flow_tests", "entrypoints.flow_tests.pytest_plugin",
            ]
    """)  # fmt: skip

    assert "1 passed" in told
