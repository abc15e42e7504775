"""What is wrong with a file of tests is told with its place."""

from pathlib import Path

import pytest

from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.simulation.flyte.documents import InvalidDocument
from tests.flow_tests.running import ECHO, written

MISTAKES = [
    ("- sya: hello", ":6:5: tests[0].steps[0].sya: there is no kind of step 'sya'; did you mean 'say'?"),
    ("- say: hello\n  inn: '#ops'", ":7:5: tests[0].steps[0].inn: there is no key 'inn'; did you mean 'in'?"),
    ("- say: hello\n  as: alcie", ":7:5: tests[0].steps[0].as: there is no person 'alcie'; did you mean 'alice'?"),
    ("- say: hello\n  in: '#opps'", "there is no channel '#opps'; did you mean '#ops'?"),
    ("- say: hello\n  thread: q", "there is no message with the id 'q'; known are none"),
    ("- {say: a, id: q}\n- {say: b, id: q}", ":7:14: tests[0].steps[1].id: a second message with the id 'q'"),
    ("- {say: a, id: n}", "a name of letters, digits and _ expected, other than n, people, channels"),
    ("- say: '{{ 1|nope }}'", ":6:5: tests[0].steps[0].say: line 1, column 6: the filter 'nope'"),
    ("- wait: soon", "a span of time up to a year expected, such as 500ms, 10s, 1m30s or 2h"),
    ("- wait: 400d", "a span of time up to a year expected"),
    ("- wait: -1", "a span of time up to a year expected"),
    ("- expect: []", "a list of messages, commands and events expected, with at least one"),
    ("- expect: {mesage: a}", "there is no kind of expectation 'mesage'; did you mean 'message'?"),
    ("- expect: {message: a, whithin: 5s}", "there is no key 'whithin'; did you mean 'within'?"),
    ("- expect: {message: {like: a}}", "there is no key 'like'; known are contains, matches"),
    ("- expect: {message: 5}", "a text expected, or an object with 'matches' or 'contains'"),
    ("- expect: {message: a, after: 20s}", "after 20 s can't be within 10 s"),
    ("- expect: a\n  order: random", "there is no choice 'random'; known are given, any"),
    ("- {flyte: up}", "there is no choice 'up'; known are down, fails, works"),
    ("- {slack: is_archived, times: 0}", "a whole number from 1 on expected"),
    ("- {slack: in_doubt, posted: maybe}", "true or false expected"),
    ("- repeat: many\n  steps: []", "a whole number from 1 on expected"),
    ("- repeat: 2\n  steps: [{say: a, id: q}]\n- {say: b, thread: q}", "no message with the id 'q'"),
    ("- {event: Rang}", "tests[0].steps[0].pack: missing"),
    ("- {invite: general}", "there is no channel 'general'; did you mean '#general'?"),
    ("- hello", "a step begins with one of: say, event, wait"),
]


@pytest.mark.parametrize(("steps", "message"), MISTAKES)
def test_a_mistake_in_a_step_is_told_with_its_place(steps: str, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, steps)

    with pytest.raises(InvalidDocument) as refusal:
        read_tests(path)

    assert str(refusal.value).startswith(f"{path}:")
    assert message in str(refusal.value)


SCENES = [
    ("flows: [none.yaml]", ":1:9: flows[0]: there is no file "),
    ("flows: [flow.yaml, flow.yaml]", ":1:20: flows[1]: a second flow called 'echo'"),
    ("flows: [test.yaml]", "flows[0]: can't be used:\n  "),
    ("flow: [flow.yaml]", ":1:1: flow: there is no key 'flow'; did you mean 'flows'?"),
    ("people: [flyte]", "a name without @ expected, and not flyte, the bot's"),
    ("people: {zoe: {mail: x}}", "there is no key 'mail'; did you mean 'email'?"),
    ("channels: [ops]", 'a name with # expected, in quotes: "#ops"'),
    ("settings: {FLYTE_SLACK_IN_DOUBT: maybe}", ":1:12: settings.FLYTE_SLACK_IN_DOUBT: "),
    ("settings: {FLYTE_SLACK_TOKEN: x}", "there is no key 'FLYTE_SLACK_TOKEN'"),
    ("start: yesterday", "a time such as 2026-01-05T09:00:00Z expected"),
    ("datastore: [1]", "datastore: an object expected"),
]


@pytest.mark.parametrize(("scene", "message"), SCENES)
def test_a_mistake_in_the_scene_is_told_with_its_place(scene: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(ECHO)
    path = tmp_path / "test.yaml"
    path.write_text(f"{scene}\ntests:\n- name: it\n  steps:\n  - say: hello\n")

    with pytest.raises(InvalidDocument) as refusal:
        read_tests(path)

    assert message in str(refusal.value)


def test_two_tests_of_one_name_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "- say: a")
    path.write_text(path.read_text() + "- name: it\n  steps:\n  - say: b\n")

    with pytest.raises(InvalidDocument, match=r":7:3: tests\[1\].name: two tests are called 'it'"):
        read_tests(path)


@pytest.mark.parametrize(("text", "message"), [(ECHO, "this is a flow"), ("commands: {}", "this is a pack")])
def test_a_file_of_another_kind_is_recognised(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(text)

    with pytest.raises(InvalidDocument, match=message):
        read_tests(path)


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "test.json"
    path.write_text('{"tests": [{"name": "it", "steps": [{"say": "hello"}]}]}')

    assert [test.name for test in read_tests(path)] == ["it"]
