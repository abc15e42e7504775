"""A flow that answers itself without end is found, and one that ends is not."""

import pytest

from entrypoints.lint.linter import lint_flow

STEP = """\
- event: {{packName: Slack, name: {event}}}
  criteria: "{criteria}"
  command:
    packName: Slack
    name: {command}
    input: {{channelId: C1, message: again, timestamp: "1.0", reaction: eyes}}
"""
LATER = """\
- id: first
  event: {packName: Slack, name: MessageSent}
  command: {packName: Deployer, name: Deploy}
- dependsOn: [first]
  event: {packName: Deployer, name: Deployed}
  command: {packName: Slack, name: SendMessage, input: {channelId: C1, message: again}}
"""


def step(event: str, command: str, criteria: str = "True") -> str:
    return STEP.format(event=event, command=command, criteria=criteria)


def endless(*steps: str) -> list[int]:
    """Returns the lines at which a flow with these steps is found to be endless."""
    findings = lint_flow("name: loop\nsteps:\n" + "".join(steps), "loop.yaml")
    return [finding.line for finding in findings if finding.check == "endless-flow"]


def test_a_step_that_its_own_answer_starts_is_endless() -> None:
    assert endless(step("MessageSent", "SendMessage")) == [3]


def test_two_steps_that_start_each_other_are_endless() -> None:
    assert endless(step("MessageSent", "AddReaction"), step("ReactionSent", "SendMessage")) == [3, 9]


def test_the_way_from_step_to_step_is_told_as_it_is() -> None:
    steps = step("MessageSent", "AddReaction") + step("ReactionSent", "SendMessage")
    findings = lint_flow("name: loop\nsteps:\n" + steps, "loop.yaml")

    assert any("leads to AddReaction, whose answers lead to MessageSent again" in one.message for one in findings)


def test_a_run_whose_later_step_starts_it_again_is_endless() -> None:
    assert endless(LATER) == [4]


@pytest.mark.parametrize("criteria", ["{{ Event.Payload.message != '' }}", "{{ Event.Payload.channelId == 'C1' }}"])
def test_criteria_that_the_answer_meets_do_not_end_it(criteria: str) -> None:
    assert endless(step("MessageSent", "SendMessage", criteria)) == [3]


@pytest.mark.parametrize(
    "criteria",
    [
        "{{ Event.Payload.message|match:'^deploy' }}",
        "{{ Event.Payload.channelId == 'C2' }}",
        "{{ Context.Go == 'on' }}",
    ],
)
def test_criteria_that_the_answer_does_not_meet_end_it(criteria: str) -> None:
    assert endless(step("MessageSent", "SendMessage", criteria)) == []


def test_a_step_for_messages_of_people_ends() -> None:
    assert endless(step("ReceivedMessage", "SendMessage")) == []


def test_a_step_that_depends_on_the_one_it_follows_ends() -> None:
    follows = "- id: asked\n" + step("ReceivedMessage", "SendMessage").replace("- event", "  event", 1)
    assert (
        endless(follows, step("MessageSent", "SendMessage").replace("- event", "- dependsOn: [asked]\n  event")) == []
    )
