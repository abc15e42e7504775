"""Errors in files of flow tests are reported with file, line and column."""

from pathlib import Path

import pytest

from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.simulation.flyte.documents import InvalidDocument
from tests.flow_tests.running import ECHO, write_test

STEP_ERRORS = [
    ("- sya: hello", ":6:5: tests[0].steps[0].sya: unknown step 'sya'; did you mean 'say'?"),
    ("- say: hello\n  inn: '#ops'", ":7:5: tests[0].steps[0].inn: unknown key 'inn'; did you mean 'in'?"),
    ("- say: hello\n  as: alcie", ":7:5: tests[0].steps[0].as: unknown person 'alcie'; did you mean 'alice'?"),
    ("- say: hello\n  in: '#opps'", "unknown channel '#opps'; did you mean '#ops'?"),
    ("- say: hello\n  thread: q", "unknown message id 'q'"),
    ("- {say: a, id: q}\n- {say: b, id: q}", ":7:14: tests[0].steps[1].id: duplicate message id 'q'"),
    ("- {say: a, id: 'n'}", "expected a name of letters, digits and _ other than n, people, channels"),
    ("- say: '{{ 1|nope }}'", ":6:16: tests[0].steps[0].say: the filter 'nope'"),
    ("- wait: soon", "expected a duration up to a year, such as 500ms, 10s, 1m30s or 2h"),
    ("- wait: 400d", "expected a duration up to a year"),
    ("- wait: -1", "expected a duration up to a year"),
    ("- expect:", ":6:5: tests[0].steps[0].expect: is empty; give it a value, or remove the key"),
    ("- say: hello\n  in: #ops", ":7:5: tests[0].steps[0].in: is empty; YAML reads # as a comment: write in: '#ops'"),
    ("- say: hello\n  in: # the default", "in: is empty; give it a value, or remove the key"),
    ("- {say: hello, as: , in: '#ops'}", ":6:18: tests[0].steps[0].as: is empty; give it a value"),
    ("- say: hello\n  in: ''", ":7:5: tests[0].steps[0].in: is empty; give it a value, or remove the key"),
    ("- {event: Rang, pack: Timer, payload: {to: #ops\n  }}", "payload.to: is empty; YAML reads # as a comment"),
    ("- expect: []", "expected a list of messages, commands and events, with at least one"),
    ("- expect: {mesage: a}", "unknown expectation 'mesage'; did you mean 'message'?"),
    ("- expect: {message: a, whithin: 5s}", "unknown key 'whithin'; did you mean 'within'?"),
    ("- expect: {message: {like: a}}", "unknown key 'like'; expected one of: contains, matches"),
    ("- expect: {message: 5}", "expected a text, or an object with 'matches' or 'contains'"),
    ("- expect: {message: a, after: 20s}", "after 20 s cannot be within 10 s"),
    ("- expect: a\n  order: random", "unknown value 'random'; expected one of: given, any"),
    ("- {flyte: up}", "unknown value 'up'; expected one of: down, fails, works"),
    ("- {slack: is_archived, times: 0}", "expected a whole number, at least 1"),
    ("- {slack: in_doubt, posted: maybe}", "expected true or false"),
    ("- repeat: many\n  steps: []", "expected a whole number, at least 1"),
    ("- repeat: 2\n  steps: [{say: a, id: q}]\n- {say: b, thread: q}", "unknown message id 'q'"),
    ("- {event: Rang}", "tests[0].steps[0].pack: missing"),
    ("- {invite: general}", "unknown channel 'general'; did you mean '#general'?"),
    ("- slash: deploy shop", ":6:5: tests[0].steps[0].slash: expected a command with its slash, such as /deploy shop"),
    ("- submit: {Version: 1.2}", ":6:14: tests[0].steps[0].submit.Version: expected a text, or a list of texts; put"),
    ("- say: '{{ foo }}'", ":6:5: tests[0].steps[0].say: unknown name 'foo'; expected one of: people, channels"),
    ("- say: '{{ people.alcie }}'", "say: unknown person 'alcie'; did you mean 'alice'?"),
    ("- say: '{{ channels.opps }}'", "say: unknown channel 'opps'; did you mean 'ops'?"),
    ("- {say: a, id: q}\n- expect: {message: '{{ q.ts }}'}", "message: unknown key of a message 'ts'; expected one of"),
    ("- expect: '{{ q.text }}'\n- {say: a, id: q}", "message: unknown name 'q'; expected one of: people, channels"),
    ("- {event: Rang, pack: Timer, payload: {to: ['{{ chanels.ops }}']}}", "payload.to[0]: unknown name 'chanels'"),
    ("- say: '{{ n }}'", ":6:5: tests[0].steps[0].say: n is the number of the iteration, and this is in no repeat"),
    ("- repeat: 2\n  steps: [{say: a}]\n- say: '{{ n }}'", ":8:5: tests[0].steps[1].say: n is the number"),
    (
        "- expect: {message: {matches: '(?=a)'}}",
        ":6:24: tests[0].steps[0].expect.message.matches: '(?=a)' is not a valid",
    ),
    ("- expect: [{event: Rang, payload: {to: [{matches: '['}]}}]", "payload.to[0].matches: '[' is not a valid regular"),
    ("- hello", "expected an object with one of: say, event, wait"),
]


@pytest.mark.parametrize(("steps", "message"), STEP_ERRORS)
def test_an_error_in_a_step_is_reported_with_its_position(steps: str, message: str, tmp_path: Path) -> None:
    path = write_test(tmp_path, steps)

    with pytest.raises(InvalidDocument) as error:
        read_tests(path)

    assert str(error.value).startswith(f"{path}:")
    assert message in str(error.value)


SETUP_ERRORS = [
    ("flows: [none.yaml]", ":1:9: flows[0]: there is no file "),
    ("flows: [flow.yaml, flow.yaml]", ":1:20: flows[1]: duplicate flow name 'echo'"),
    ("flows: [test.yaml]", "flows[0]: the file cannot be used:\n  "),
    ("flow: [flow.yaml]", ":1:1: flow: unknown key 'flow'; did you mean 'flows'?"),
    ("packs:", ":1:1: packs: is empty; give it a value, or remove the key"),
    ("people: [flyte]", "expected a name without @ other than flyte, the bot's"),
    ("people: {zoe: {mail: x}}", "unknown key 'mail'; did you mean 'email'?"),
    ("channels: [ops]", 'expected a name with #, in quotes: "#ops"'),
    ("channels: {'#a': C1, '#b': {id: C1}}", ":1:1: channels: #a and #b have the same id C1"),
    ("settings: {FLYTE_SLACK_IN_DOUBT: maybe}", ":1:12: settings.FLYTE_SLACK_IN_DOUBT: "),
    ("settings: {FLYTE_SLACK_TOKEN: x}", "unknown key 'FLYTE_SLACK_TOKEN'"),
    ("start: yesterday", "expected a time such as 2026-01-05T09:00:00Z"),
    ("datastore: [1]", "datastore: expected an object, or a file that has one"),
    ("datastore: {a: 5}", "datastore.a: expected a text or an object: the server's datastore() fails"),
    ("datastore: nope.yaml", "datastore: there is no file"),
]


@pytest.mark.parametrize(("setup", "message"), SETUP_ERRORS)
def test_an_error_in_the_setup_is_reported_with_its_position(setup: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text(ECHO)
    path = tmp_path / "test.yaml"
    path.write_text(f"{setup}\ntests:\n- name: it\n  steps:\n  - say: hello\n")

    with pytest.raises(InvalidDocument) as error:
        read_tests(path)

    assert message in str(error.value)


def test_the_errors_of_all_steps_and_tests_are_reported(tmp_path: Path) -> None:
    path = write_test(tmp_path, "- sya: a\n- wait: soon\n- repeat: 2\n  steps: [{say: a, as: zoe}]")
    path.write_text(path.read_text() + "- name: other\n- name: third\n  steps: [{invite: '#opps'}]\n")

    with pytest.raises(InvalidDocument) as error:
        read_tests(path)

    places = [line.removeprefix(str(path)).split(": ")[:2] for line in str(error.value).splitlines()]
    assert places == [
        [":6:5", "tests[0].steps[0].sya"],
        [":7:5", "tests[0].steps[1].wait"],
        [":9:22", "tests[0].steps[2].steps[0].as"],
        [":10:3", "tests[1].steps"],
        [":12:12", "tests[2].steps[0].invite"],
    ]


def test_the_id_of_a_step_with_an_error_is_known_to_later_ones(tmp_path: Path) -> None:
    path = write_test(
        tmp_path, "- {sya: a, id: q}\n- expect: [{mesage: b, id: r}]\n- {react: eyes, of: q}\n- {delete: r}"
    )

    with pytest.raises(InvalidDocument) as error:
        read_tests(path)

    assert "unknown message id" not in str(error.value)


def test_all_keys_without_a_value_are_reported(tmp_path: Path) -> None:
    path = write_test(tmp_path, "- say: a\n  in: #ops\n- say: b\n  as:")

    with pytest.raises(InvalidDocument, match=r"(?s)steps\[0\].in: is empty.*steps\[1\].as: is empty"):
        read_tests(path)


def test_duplicate_test_names_are_rejected(tmp_path: Path) -> None:
    path = write_test(tmp_path, "- say: a")
    path.write_text(path.read_text() + "- name: it\n  steps:\n  - say: b\n")

    with pytest.raises(InvalidDocument, match=r":7:3: tests\[1\].name: duplicate test name 'it'"):
        read_tests(path)


@pytest.mark.parametrize("second", ["tests:\n- name: other\n  steps: [{say: a}]\n", "b: c: d\n", "[\n"])
def test_a_second_document_whose_tests_would_not_run_is_refused(second: str, tmp_path: Path) -> None:
    path = write_test(tmp_path, "- say: a")
    path.write_text(f"{path.read_text()}---\n{second}")

    with pytest.raises(InvalidDocument, match=":7:1: only the first document of a file is read"):
        read_tests(path)


@pytest.mark.parametrize("end", ["---\n", "...\n", "--- # the end\n"])
def test_an_empty_second_document_is_none(end: str, tmp_path: Path) -> None:
    path = write_test(tmp_path, "- say: a")
    path.write_text(f"{path.read_text()}{end}")

    assert len(read_tests(path)) == 1


@pytest.mark.parametrize(("text", "message"), [(ECHO, "this is a flow"), ("commands: {}", "this is a pack")])
def test_flows_and_packs_are_recognised(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(text)

    with pytest.raises(InvalidDocument, match=message):
        read_tests(path)


def test_json_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "test.json"
    path.write_text('{"tests": [{"name": "it", "steps": [{"say": "hello"}]}]}')

    assert [test.name for test in read_tests(path)] == ["it"]
