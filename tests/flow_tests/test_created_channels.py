"""Flow tests name channels that flows create."""

from pathlib import Path

import pytest

from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.simulation.flyte.documents import InvalidDocument
from tests.flow_tests.running import ECHO, failure_of, run_steps, write_test

CREATING = """
name: creating
steps:
- id: create
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message|match:'^create ' }}"
  command:
    packName: Slack
    name: CallSlack
    input: {method: conversations.create, arguments: {name: "{{ Event.Payload.message|slice:'7:' }}"}}
- id: tell
  dependsOn: [create]
  event: {packName: Slack, name: SlackCalled}
  command:
    packName: Slack
    name: SendMessage
    input:
      channelId: "{{ Event.Payload.response.channel.id }}"
      message: "welcome to <#{{ Event.Payload.response.channel.id }}>"
"""
HEAD = "settings: {FLYTE_SLACK_ALLOWED_METHODS: conversations.create}\n"


def test_a_created_channel_is_named_where_messages_come_and_go(tmp_path: Path) -> None:
    steps = """
    - say: create sales
    - expect: {message: "welcome to <#sales>", in: "#sales"}
    - say: create deals in <#sales>
      in: "#sales"
    - expect: nothing
    """

    assert run_steps(tmp_path, steps.replace("create deals", "hello"), flow=CREATING, head=HEAD).failure is None


def test_its_id_is_known_to_templates(tmp_path: Path) -> None:
    steps = """
    - say: create sales
    - expect:
      - {event: MessageSent, payload: {channelId: "{{ channels.sales }}"}}
      others: allowed
    """

    assert run_steps(tmp_path, steps, flow=CREATING, head=HEAD).failure is None


def test_a_channel_that_no_flow_has_created_fails_the_test(tmp_path: Path) -> None:
    failure = failure_of(tmp_path, "- {say: hi, in: '#nowhere'}", flow=CREATING, head=HEAD)

    assert failure.reason.startswith("there is no #nowhere; there are: #general, #ops")


def test_a_message_in_another_channel_than_the_named_one_fails_the_test(tmp_path: Path) -> None:
    steps = "- say: create sales\n- expect: {message: {contains: welcome}, in: '#deals'}"

    assert "it came in #sales, not in #deals" in failure_of(tmp_path, steps, flow=CREATING, head=HEAD).reason


@pytest.mark.parametrize("flow", [ECHO, CREATING.replace("conversations.create", "conversations.archive")])
def test_an_unknown_channel_is_refused_if_no_flow_creates_any(flow: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidDocument, match="unknown channel '#sales'"):
        read_tests(write_test(tmp_path, "- {say: hi, in: '#sales'}", flow=flow, head=HEAD))


def test_a_method_that_a_template_computes_may_create_channels(tmp_path: Path) -> None:
    computed = CREATING.replace("method: conversations.create", "method: \"{{ 'conversations.create' }}\"")
    steps = "- say: create sales\n- expect: {message: {contains: welcome}, in: '#sales'}"

    assert run_steps(tmp_path, steps, flow=computed, head=HEAD).failure is None
