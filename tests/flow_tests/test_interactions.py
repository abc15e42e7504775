"""People use the app in flow tests, and see more than messages."""

from pathlib import Path

import pytest

from tests.flow_tests.running import failure_of, plain_text, run_steps
from tests.support.pages import ROOT

DESK = (ROOT / "tests" / "support" / "desk.yaml").read_text()
HOME = """
name: home
steps:
- event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'home' }}"
  command:
    packName: Slack
    name: PublishHome
    input:
      userId: "{{ Event.Payload.user.id }}"
      view:
        type: home
        blocks:
        - type: actions
          elements:
          - {type: button, action_id: press, text: {type: plain_text, text: Press}}
          - type: static_select
            action_id: level
            options: [{text: {type: plain_text, text: High}, value: high}]
- event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'button' }}"
  command:
    packName: Slack
    name: SendRichMessage
    input:
      channel: "{{ Event.Payload.channelId }}"
      blocks:
      - type: actions
        elements: [{type: button, action_id: other, text: {type: plain_text, text: Other}}]
- event: {packName: Slack, name: ReceivedBlockAction}
  command:
    packName: Slack
    name: SendDirectMessage
    input: {userId: "{{ Event.Payload.user.id }}", message: "{{ Event.Payload.actionId }}"}
"""
AT_HOME = """
- say: home
- expect: {home: {contains: Press}, actions: [Press, level]}
- open: home
"""
EDITS = "settings: {FLYTE_SLACK_RECEIVE_EDITS: true}\n"
ASKED = """
- say: deploy
- expect: {message: {contains: Deploy shop}, id: request}
"""
FORM = """
- slash: /deploy shop
  as: bob
- expect: {modal: Deploy}
"""


def passes(folder: Path, steps: str) -> bool:
    failure = run_steps(folder, steps, flow=DESK, head=EDITS).failure
    assert failure is None, failure.reason
    return True


def reason(folder: Path, steps: str) -> str:
    return failure_of(folder, steps, flow=DESK, head=EDITS).reason


@pytest.mark.parametrize("button", ["Approve", "approve"])
def test_a_button_is_clicked_by_its_label_or_action_id(button: str, tmp_path: Path) -> None:
    clicked = f"- click: {button}\n  as: bob\n- expect: {{update: 'approved by <@bob>', of: request, actions: []}}"

    assert passes(tmp_path, ASKED + clicked)


def test_the_message_of_a_button_can_be_named(tmp_path: Path) -> None:
    twice = ASKED + "- say: deploy\n- expect: {message: {contains: Deploy shop}, id: another}\n"

    assert passes(tmp_path, twice + "- {click: Reject, of: request}\n- expect: {deletion: request}")


def test_an_option_is_chosen_by_its_label(tmp_path: Path) -> None:
    chosen = "- choose: Production\n- expect: {ephemeral: prod it is, to: alice}"

    assert passes(tmp_path, ASKED + chosen)


def test_the_actions_of_a_message_are_expected(tmp_path: Path) -> None:
    assert passes(
        tmp_path, "- say: deploy\n- expect: {message: {contains: Deploy}, actions: [Approve, Reject, Where to]}"
    )


def test_reactions_are_added_and_withdrawn(tmp_path: Path) -> None:
    assert passes(
        tmp_path,
        """
        - {say: hello, id: greeting}
        - react: eyes
          as: bob
        - expect: {reaction: white_check_mark, of: greeting}
        - unreact: ":eyes:"
        - expect: {reaction: ":white_check_mark:", of: greeting, removed: true}
        """,
    )


def test_messages_are_edited_and_deleted(tmp_path: Path) -> None:
    assert passes(
        tmp_path,
        """
        - {say: helo, id: greeting}
        - edit: hello
        - expect: was helo
        - delete: greeting
        - expect: "gone: hello"
        """,
    )


def test_a_slash_command_opens_a_modal_that_is_filled_in_and_submitted(tmp_path: Path) -> None:
    submitted = """
    - slash: /deploy shop
      as: bob
    - expect:
      - modal: Deploy
        text: {contains: "What is to go live, shop?"}
        actions: [Version, Environment]
        fields: {callback_id: deploy}
    - submit: {Version: "1.2", Environment: Production}
    - expect: {direct: 1.2 goes to prod, to: bob}
    """
    assert passes(tmp_path, submitted)


def test_a_modal_is_filled_in_step_by_step(tmp_path: Path) -> None:
    steps = """
    - {choose: Staging, from: Environment}
    - {choose: "2.0", from: Version}
    - submit: {}
    - expect: {direct: 2.0 goes to stage}
    """
    assert passes(tmp_path, FORM + "\n".join(line[4:] for line in steps.splitlines()))


def test_a_modal_is_closed(tmp_path: Path) -> None:
    assert passes(tmp_path, FORM + "- close: modal\n- expect: {direct: never mind}")


def test_shortcuts_are_used(tmp_path: Path) -> None:
    assert passes(
        tmp_path,
        """
        - {say: hello, id: greeting}
        - {shortcut: explain, of: greeting, as: bob}
        - expect: {ephemeral: about hello, to: bob}
        - shortcut: report
        - expect: {home: All is well}
        - open: home
        """,
    )


def test_files_are_shared_by_people_and_the_bot(tmp_path: Path) -> None:
    assert passes(
        tmp_path,
        """
        - upload: notes.txt
          content: hello
          text: for you
        - expect:
          - file: report.csv
            title: Report
            text: as you wished
            content: {contains: "notes.txt,5"}
        """,
    )


def test_a_button_that_is_not_there_is_reported_with_those_that_are(tmp_path: Path) -> None:
    assert reason(tmp_path, ASKED + "- click: Aprove") == (
        "there is no button 'Aprove' in message [2]; there is Approve (approve), Reject (reject), Where to (target) "
        "in block 'decision'"
    )


def test_an_option_that_is_not_there_is_reported_with_those_that_are(tmp_path: Path) -> None:
    assert "there is no option Moon; there are: Staging, Production" in reason(tmp_path, ASKED + "- choose: Moon")


@pytest.mark.parametrize(
    ("step", "advice"),
    [
        ("click: Where to", "'Where to' is no button: choose something in it"),
        ("{choose: shop, from: Approve}", "'Approve' is a button: click it"),
    ],
)
def test_a_wrong_use_of_an_element_is_reported(step: str, advice: str, tmp_path: Path) -> None:
    assert reason(tmp_path, f"{ASKED}- {step}") == advice


def test_an_action_that_was_expected_is_reported_with_those_that_are_there(tmp_path: Path) -> None:
    found = reason(tmp_path, "- say: deploy\n- expect: {message: {contains: Deploy}, actions: [Deny]}")

    assert found.startswith(
        "there is no 'Deny'; there is Approve (approve), Reject (reject), Where to (target) in block"
    )


def test_a_click_without_a_message_is_reported(tmp_path: Path) -> None:
    assert reason(tmp_path, "- click: Approve") == ("no message in #general has anything to click or choose")


def test_a_form_that_slack_would_not_submit_is_reported(tmp_path: Path) -> None:
    found = reason(tmp_path, FORM + "- submit: {Version: '1.2'}")

    assert found == "the form cannot be submitted: Environment: Please complete this required field."


def test_a_field_that_is_not_there_is_reported(tmp_path: Path) -> None:
    assert "there is no field 'Versoin' in the modal; there is Version (value) in block 'version', Envi" in reason(
        tmp_path, FORM + "- submit: {Versoin: '1.2'}"
    )


def test_a_modal_that_is_not_there_is_reported(tmp_path: Path) -> None:
    assert reason(tmp_path, "- submit: {}") == "alice sees no modal"


def test_a_person_without_a_message_has_none_to_edit(tmp_path: Path) -> None:
    found = reason(tmp_path, "- say: hello\n- {edit: hi, as: bob}")

    assert found == "#general has no message of bob yet"


def test_a_foreign_message_cannot_be_edited(tmp_path: Path) -> None:
    found = reason(tmp_path, "- {say: hello, id: greeting}\n- {edit: hi, of: greeting, as: bob}")

    assert found == "the message is alice's, not bob's"


def test_a_click_that_does_not_reach_the_app_is_shown(tmp_path: Path) -> None:
    found = failure_of(
        tmp_path, ASKED + "- slack: unreachable\n- click: Approve\n- expect: {update: {contains: ok}}", flow=DESK
    )

    assert "  alice sees an error: the app does not respond (no connection)" in plain_text(found.diff)


def test_the_reply_to_a_slash_command_is_a_message_to_one_person(tmp_path: Path) -> None:
    steps = "- slash: /nothing\n- expect: {ephemeral: working on it}"

    assert (
        run_steps(tmp_path, steps, flow=DESK, head="settings: {FLYTE_SLACK_COMMAND_REPLY: working on it}\n").failure
        is None
    )


def test_an_unexpected_message_to_one_person_fails_the_test(tmp_path: Path) -> None:
    found = failure_of(tmp_path, ASKED + "- choose: Staging", flow=DESK)

    assert found.reason.startswith("the bot posts a message that no step expects")


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        ("{ephemeral: stage it is, to: bob}", "alice sees it, not bob"),
        ("{ephemeral: prod it is}", 'the text is "stage it is", not "prod it is"'),
    ],
)
def test_another_message_to_one_person_is_reported(expected: str, difference: str, tmp_path: Path) -> None:
    assert reason(tmp_path, f"{ASKED}- choose: Staging\n- expect: {expected}").startswith(difference)


def test_another_update_is_reported(tmp_path: Path) -> None:
    found = reason(tmp_path, ASKED + "- click: Approve\n- expect: {update: rejected, of: request}")

    assert 'a similar one does not match: the text is "approved by <@alice>", not "rejected"' in found


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ("- say: deploy\n- click: Approve", "no message in #general has anything to click or choose"),
        ("- slash: /deploy shop\n- submit: {Version: '1.2'}", "alice sees no modal"),
    ],
)
def test_a_step_that_does_not_wait_for_the_bot_is_told_to(steps: str, problem: str, tmp_path: Path) -> None:
    assert reason(tmp_path, steps) == (
        f"{problem}; the bot's message or modal comes after this step: put an expect that waits for it before this"
    )


def test_a_step_for_which_nothing_comes_is_not_told_to_wait(tmp_path: Path) -> None:
    assert reason(tmp_path, "- say: hello\n- click: Approve") == (
        "no message in #general has anything to click or choose"
    )


@pytest.mark.parametrize(("step", "used"), [("click: Press", "press"), ("choose: High", "level")])
def test_the_home_tab_is_used(step: str, used: str, tmp_path: Path) -> None:
    assert run_steps(tmp_path, f"{AT_HOME}- {step}\n- expect: {{direct: {used}}}", flow=HOME).failure is None


def test_the_home_tab_is_used_beside_a_message_with_other_buttons(tmp_path: Path) -> None:
    steps = f"{AT_HOME}- say: button\n- expect: {{message: {{contains: Other}}}}\n"
    both = "- click: Press\n- expect: {direct: press}\n- click: Other\n  in: '#general'\n- expect: {direct: other}"

    assert run_steps(tmp_path, steps + both, flow=HOME).failure is None


def test_a_button_that_the_home_tab_lacks_is_reported(tmp_path: Path) -> None:
    assert failure_of(tmp_path, f"{AT_HOME}- click: Push", flow=HOME).reason.startswith(
        "there is no button 'Push' in the Home tab; there is Press (press), level in block"
    )


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ("- say: hello\n- unreact: eyes", "alice has not added :eyes:"),
        ("- {say: hello, id: a}\n- {react: eyes, of: a}\n- {react: ':eyes:', of: a}", "alice has added :eyes: already"),
    ],
)
def test_a_reaction_that_changes_nothing_fails_the_test(steps: str, problem: str, tmp_path: Path) -> None:
    assert reason(tmp_path, steps) == problem
