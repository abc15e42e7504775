"""People use the app in flow tests in Python."""

from collections.abc import Callable

import pytest

from entrypoints.flow_tests.python_api import FlowConversation
from tests.support.pages import ROOT


@pytest.fixture
def talk(flow_test: Callable[..., FlowConversation]) -> FlowConversation:
    return flow_test(flows=[ROOT / "tests" / "support" / "desk.yaml"], settings={"FLYTE_SLACK_RECEIVE_EDITS": "true"})


def ask(talk: FlowConversation) -> str:
    talk.say("deploy")
    return talk.expect({"contains": "Deploy shop?"}, actions=["Approve", "Reject", "Where to"])


def test_buttons_and_menus_are_used(talk: FlowConversation) -> None:
    first, second = ask(talk), ask(talk)

    talk.choose("Production", by="bob")
    talk.expect_ephemeral("prod it is", to="bob")
    talk.click("Reject", message=first)
    talk.expect_deletion(first)
    talk.click("Approve")
    talk.expect_update("approved by <@bob>", message=second, actions=[])


def test_forms_are_filled_in(talk: FlowConversation) -> None:
    talk.slash("/deploy shop", by="bob")
    talk.expect_modal("Deploy", text={"contains": "live, shop?"}, fields={"callback_id": "deploy"})
    talk.choose("Staging", element="Environment")
    talk.submit({"Version": "1.2"})
    talk.expect_direct("1.2 goes to stage")
    talk.slash("/deploy")
    talk.expect_modal("Deploy", to="bob", actions=["Version", "Environment"])
    talk.close_modal()
    talk.expect_direct("never mind", to="bob")


def test_messages_are_reacted_to_edited_and_deleted(talk: FlowConversation) -> None:
    greeting = talk.say("helo")

    talk.react("eyes", by="bob")
    talk.expect_reaction("white_check_mark", message=greeting)
    talk.unreact("eyes", message=greeting)
    talk.expect_reaction("white_check_mark", is_removed=True)
    talk.edit("hello", by="alice")
    talk.expect("was helo")
    talk.delete(greeting)
    talk.expect("gone: hello")


def test_shortcuts_the_home_tab_and_files_are_used(talk: FlowConversation) -> None:
    greeting = talk.say("hello")

    talk.shortcut("explain", message=greeting, by="bob")
    talk.expect_ephemeral("about hello")
    talk.shortcut("report")
    talk.expect_home("All is well")
    talk.open_home()
    talk.upload("notes.txt", "hello", text="for you")
    talk.expect_file("report.csv", title="Report", text="as you wished", content={"contains": "notes.txt"})


def test_what_is_not_there_is_reported(talk: FlowConversation) -> None:
    ask(talk)

    with pytest.raises(AssertionError, match="there is no button 'Aprove' in message"):
        talk.click("Aprove")
