"""The fixture `flow_test`: flow tests in Python."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from entrypoints.config.issues import SettingsError
from entrypoints.flow_tests.model import PersonSetup
from entrypoints.flow_tests.python_api import FlowConversation
from entrypoints.simulation.workspaces.channels import ChannelSetup
from tests.flow_tests.running import ASKING, BROADCASTING, ECHO, ORACLE, THREADED


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_conversation_is_checked(flow_test: Callable[..., FlowConversation], tmp_path: Path) -> None:
    conversation = flow_test(flows=[file(tmp_path, "flow.yaml", THREADED)])

    question = conversation.say("echo hello", by="bob", room="#ops")
    answer = conversation.expect("hello", thread=question, within=2)
    conversation.say("echo again", thread=answer)
    conversation.expect({"matches": "^a"}, thread=question)
    conversation.say("hello")
    conversation.expect_nothing(seconds=5)


def test_commands_and_events_of_packs_are_checked(flow_test: Callable[..., FlowConversation], tmp_path: Path) -> None:
    conversation = flow_test(flows=[file(tmp_path, "flow.yaml", ASKING)], packs=[file(tmp_path, "oracle.yaml", ORACLE)])

    conversation.say("what?")
    conversation.expect_command("Ask", pack="Oracle", input_={"words": ["a", "what?"]})
    conversation.expect_event("Answered", payload={"details": {"certain": True}})
    conversation.expect("42 for <@alice>")


def test_faults_and_time_are_simulated(flow_test: Callable[..., FlowConversation], tmp_path: Path) -> None:
    conversation = flow_test(flows=[file(tmp_path, "flow.yaml", ECHO)])

    conversation.slack("ratelimited", seconds=30)
    conversation.say("echo a")
    conversation.expect("a", after=30, within=31)
    conversation.flyte("down")
    conversation.say("echo b")
    conversation.wait(60)
    conversation.flyte("works")
    conversation.expect("b", within=15)


def test_the_setup_is_applied(flow_test: Callable[..., FlowConversation], tmp_path: Path) -> None:
    conversation = flow_test(
        flows=[file(tmp_path, "flow.yaml", BROADCASTING.replace("Event.Payload.what", "datastore('what')"))],
        people=[PersonSetup("zoe")],
        channels=[ChannelSetup("#a"), ChannelSetup("#b", is_joined=False)],
        settings={"FLYTE_SLACK_MESSAGES_PER_SECOND": "5"},
        datastore={"what": "noon"},
    )

    conversation.event("Timer", "Rang")
    conversation.expect("noon", room="#a")
    conversation.invite("#b")
    conversation.remove("#a")
    conversation.event("Timer", "Rang")
    conversation.expect("noon", room="#b")


def test_a_wrong_setting_is_named(flow_test: Callable[..., FlowConversation]) -> None:
    with pytest.raises(SettingsError, match="FLYTE_SLACK_LISTEN: must be"):
        flow_test(settings={"FLYTE_SLACK_LISTEN": "nobody"})


def test_a_failed_expectation_raises_an_assertion_error_with_the_conversation(
    flow_test: Callable[..., FlowConversation], tmp_path: Path
) -> None:
    conversation = flow_test(flows=[file(tmp_path, "flow.yaml", ECHO)])
    conversation.say("echo a")

    with pytest.raises(AssertionError) as failure:
        conversation.expect("b")

    assert str(failure.value).startswith('the text is "a", not "b"; it is sent by flow echo, step answer\n')
    assert "      - #general flyte: b\n      + [2] #general flyte: a\n" in str(failure.value)


def run_pytest(folder: Path, code: str) -> str:
    """Returns the output of pytest for a user's test file."""
    (folder / "flow.yaml").write_text(ECHO)
    (folder / "test_it.py").write_text(dedent(code))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own
    return ran.stdout + ran.stderr


def test_an_unexpected_message_is_reported_at_the_end(tmp_path: Path) -> None:
    output = run_pytest(tmp_path, """
        def test_it(flow_test):
            flow_test(flows=["flow.yaml"]).say("echo a")
    """)  # fmt: skip

    assert "the bot posts a message that no step expects" in output
    assert "1 passed, 1 error" in output


def test_the_unused_fixture_imports_nothing(tmp_path: Path) -> None:
    output = run_pytest(tmp_path, """
        import sys

        def test_it():
            assert [name for name in sys.modules if name.startswith("entrypoints")] == [
                "entrypoints", "entrypoints.flow_tests", "entrypoints.flow_tests.pytest_plugin",
            ]
    """)  # fmt: skip

    assert "1 passed" in output
