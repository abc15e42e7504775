"""Tests of a single step: the files of Flyte's own tool."""

import json
from pathlib import Path

import pytest

from entrypoints.flow_tests.command import run_test
from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.flow_tests.result import FlowTestResult
from entrypoints.simulation.flyte.documents import InvalidDocument
from tests.flow_tests.running import plain_text

STEP = """
step:
  id: status
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message|match:'^status$' }}"
  context: {User: "{{ Event.Payload.user.id }}"}
  command:
    packName: Slack
    name: SendMessage
    input: {channelId: "{{ Context.Channel }}", message: "<@{{ Context.User }}>: {{ datastore('state') }}"}
testData:
  event:
    name: ReceivedMessage
    pack: {name: Slack}
    payload: {message: status, user: {id: U1}}
  context: {Channel: C1}
  datastore: {state: "fine & dandy"}
"""


def run_step_file(folder: Path, text: str) -> FlowTestResult:
    path = folder / "step.yaml"
    path.write_text(text)
    (test,) = read_tests(path)
    return run_test(test)


def reason(folder: Path, text: str) -> str:
    failure = run_step_file(folder, text).failure
    assert failure is not None
    return "\n".join([failure.reason, *plain_text(failure.trace)])


def test_a_step_that_runs_passes_and_shows_its_action(tmp_path: Path) -> None:
    result = run_step_file(tmp_path, STEP)

    assert result.failure is None
    assert json.loads("".join(plain_text(result.conversation))) == {
        "name": "SendMessage",
        "packName": "Slack",
        "input": {"channelId": "C1", "message": "<@U1>: fine & dandy"},
        "context": {"Channel": "C1", "User": "U1"},
    }


def test_a_json_file_with_the_older_key_for_events_is_read(tmp_path: Path) -> None:
    path = tmp_path / "step.json"
    step = {"event": {"packName": "P", "name": "E"}, "command": {"packName": "P", "name": "C"}}
    path.write_text(json.dumps({"step": step, "testData": {"event": {"event": "E", "pack": {"name": "P"}}}}))

    (test,) = read_tests(path)

    assert run_test(test).failure is None
    assert test.name == "step"


def test_a_step_that_does_not_run_fails_with_the_values_of_its_criteria(tmp_path: Path) -> None:
    assert reason(tmp_path, STEP.replace("message: status", "message: statue")).splitlines() == [
        "the step does not run",
        "the criteria are not met",
        "{{ Event.Payload.message|match:'^status$' }}",
        'Event.Payload.message = "statue"',
    ]


def test_a_different_event_is_reported(tmp_path: Path) -> None:
    text = STEP.replace("pack: {name: Slack}", "pack: {name: Mail}")

    assert "the step waits for Slack ReceivedMessage, and the event is Mail ReceivedMessage" in reason(tmp_path, text)


def test_a_missing_datastore_item_fails_the_step(tmp_path: Path) -> None:
    assert "the datastore has no item 'state'" in reason(tmp_path, STEP.replace("{state:", "{status:"))


def test_the_expected_action_can_be_given(tmp_path: Path) -> None:
    assert run_step_file(tmp_path, STEP + "expect: {input: {channelId: C1}}").failure is None
    assert 'the action.input.channelId is "C1", not "C2"' in reason(tmp_path, STEP + "expect: {input: {channelId: C2}}")
    assert "the step runs, and nothing was expected" in reason(tmp_path, STEP + "expect: nothing")
    assert run_step_file(tmp_path, STEP.replace("message: status", "message: no") + "expect: nothing").failure is None


def test_an_error_in_the_step_is_reported_with_its_position(tmp_path: Path) -> None:
    with pytest.raises(InvalidDocument, match=r"step.yaml:5:39: step.criteria: the filter 'match_'"):
        run_step_file(tmp_path, STEP.replace("|match:", "|match_:"))
