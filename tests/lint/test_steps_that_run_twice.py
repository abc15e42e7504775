"""A step that a flow's own command starts, beside the run of that command, is found."""

from entrypoints.lint.linter import lint_flow

ASKED = """\
- id: asked
  event: {packName: Slack, name: ReceivedMessage}
  context: {Channel: '{{ Event.Payload.channelId }}'}
  command: {packName: Slack, name: SendMessage, input: {channelId: C1, message: hello}}
"""
SENT = """\
- event: {packName: Slack, name: MessageSent}
  command: {packName: Statistics, name: Count}
"""


def found(*steps: str) -> list[str]:
    """Returns the lines of the mistakes in a flow of these steps, and the checks that find them."""
    findings = lint_flow(f"name: twice\nsteps:\n{''.join(steps)}", "flow.yaml")
    return [f"{finding.line} {finding.check}" for finding in findings]


def test_a_step_for_an_answer_that_depends_on_nothing_runs_twice() -> None:
    assert found(ASKED, SENT) == ["7 runs-twice"]


def test_a_step_that_depends_on_the_one_that_sent_the_command_runs_once() -> None:
    assert found(ASKED, SENT.replace("- event", "- dependsOn: [asked]\n  event")) == []


def test_a_step_for_an_answer_to_another_flow_runs_once() -> None:
    assert found(ASKED, SENT.replace("MessageSent", "ReactionSent")) == []


def test_criteria_that_the_answer_does_not_meet_keep_a_step_from_running_twice() -> None:
    of_another_flow = "- criteria: '{{ Event.Payload.message == \"ping\" }}'\n  event"

    assert found(ASKED, SENT.replace("- event", of_another_flow)) == []


def test_a_step_that_needs_the_context_of_its_sender_is_advised_to_depend_on_it() -> None:
    counted = SENT.replace("name: Count", "name: Count, input: {where: '{{ Context.Channel }}'}")
    findings = lint_flow(f"name: twice\nsteps:\n{ASKED}{counted}", "flow.yaml")

    advice = [finding.message.rpartition("; ")[2] for finding in findings if finding.check == "context-not-set"]
    assert advice == ["let this step depend on 'asked'"]
