"""Flows are loaded from JSON and YAML; errors name the file, line, column and step."""

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest

from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.flow_loader import (
    BUILT_IN,
    Flow,
    flow_from_file,
    flow_from_text,
    flow_from_values,
)

GOOD = """\
name: greet
steps:
- id: hello
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'hi' }}"
  command: {packName: Slack, name: SendMessage, input: {message: hello}}
"""


def read(text: str, *, is_json: bool = False) -> Flow:
    return flow_from_text(text, "greet.yaml", is_json=is_json)


def error_in(text: str, *, is_json: bool = False) -> str:
    with pytest.raises(InvalidDocument) as error:
        read(text, is_json=is_json)
    return str(error.value)


def test_yaml_and_json_define_the_same_flow(tmp_path: Path) -> None:
    yaml_flow = read(GOOD)
    path = tmp_path / "greet.json"
    path.write_text(json.dumps(yaml_flow.source), encoding="utf-8")

    assert flow_from_file(path).source == yaml_flow.source


@pytest.mark.parametrize("path", sorted(BUILT_IN.iterdir()), ids=lambda path: path.name)
def test_every_built_in_flow_is_valid(path: Path) -> None:
    assert flow_from_file(path).name == path.stem


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidDocument, match=r"nope\.yaml: cannot be read: .*No such file"):
        flow_from_file(tmp_path / "nope.yaml")


FLOW_ERRORS = [
    ("name: [", "greet.yaml:1:8: did not find expected node content"),
    ("name: greet\nsteps: [", "greet.yaml:2:9: did not find expected node content"),
    ("name: &x [*x]\nsteps: []\n", "greet.yaml:1:11: anchor 'x' value contains itself"),
    ("%YAML 1.2\n---\nname: x\n", "greet.yaml:1:1: found incompatible YAML document"),
    ("- a\n", "greet.yaml:1:1: expected an object"),
    ("", "greet.yaml: expected an object"),
    ("steps: []\n", "greet.yaml:1:1: name: missing"),
    ("name: 5\nsteps: []\n", "greet.yaml:1:1: name: expected a string"),
    ("name: x\n", "greet.yaml:1:1: steps: missing"),
    ("name: x\nsteps: {}\n", "greet.yaml:2:1: steps: expected a list of steps"),
    ("name: x\nsteps: [null]\n", "greet.yaml:2:9: step 1: expected an object"),
    ("nmae: x\nsteps: []\n", "greet.yaml:1:1: nmae: unknown key 'nmae'; did you mean 'name'?"),
    ('name: "a\\nb"\nsteps: []\n', "greet.yaml:1:1: name: a line break is not allowed: the server refuses the flow"),
    ("name: x\ndescription: |\n  y\nsteps: []\n", "greet.yaml:2:1: description: a line break is not allowed"),
    ("name: x\ndescription:\nsteps: []\n", "greet.yaml:2:1: description: null is not allowed: the server refuses"),
    ("name: x\ndescription: true\nsteps: []\n", "greet.yaml:2:1: description: expected a string"),
]


@pytest.mark.parametrize(("text", "message"), FLOW_ERRORS)
def test_errors_are_reported_with_their_position(text: str, message: str) -> None:
    assert message in error_in(text)


STEP_ERRORS = [
    ("command:", "comand:", ":6:3: step 'hello', comand: unknown key 'comand'; did you mean 'command'?"),
    ("packName: Slack, name: ReceivedMessage", "name: x", ":4:3: step 'hello', event.packName: missing"),
    ("name: SendMessage, ", "", ":6:3: step 'hello', command.name: missing"),
    (
        "'hi' }}",
        "'hi' | nope }}",
        ":5:49: step 'hello', criteria: the filter 'nope' is not supported",
    ),
    ("== 'hi'", "== 'hi", ":5:42: step 'hello', criteria: the string is not closed"),
    ("hello}", "'{% nope %}'}", ":6:70: step 'hello', command.input.message: the tag 'nope'"),
    ("message: hello", "a: [1, {b: '{{'}]", ":6:69: step 'hello', command.input.a[1].b: a template can't end"),
    ("  criteria", "  context: {x: 5}\n  criteria", ":5:13: step 'hello', context.x: expected a string"),
    ("  criteria", "  context:\n  criteria", ":5:3: step 'hello', context: null is not allowed"),
    ("\"{{ Event.Payload.message == 'hi' }}\"", "", ":5:3: step 'hello', criteria: null is not allowed"),
    ("\"{{ Event.Payload.message == 'hi' }}\"", "true", ":5:3: step 'hello', criteria: expected a string"),
    ("\"{{ Event.Payload.message == 'hi' }}\"", "|\n   True", ":5:3: step 'hello', criteria: a line break is not"),
    ("id: hello", "id: 5", ":3:3: step '5', id: expected a string"),
    ("hello}", "'{{ nope(1) }}'}", ":6:70: step 'hello', command.input.message: the function 'nope'"),
    (
        "hello}",
        "\"{{ x|match:'(' }}\"}",
        ":6:78: step 'hello', command.input.message: filter 'match': '(' is not a valid regular expression",
    ),
    ("  criteria", "  context: text\n  criteria", ":5:3: step 'hello', context: expected an object"),
    ("  criteria", "  dependsOn: no one\n  criteria", ":5:3: step 'hello', dependsOn: expected a list of step ids"),
]


@pytest.mark.parametrize(("old", "new", "message"), STEP_ERRORS)
def test_errors_in_a_step_are_reported_with_their_position(old: str, new: str, message: str) -> None:
    error = error_in(GOOD.replace(old, new))

    assert error.startswith("greet.yaml:")
    assert message in error


def test_step_keys_are_read_in_any_case() -> None:
    flow = read(GOOD.replace("id:", "ID:").replace("criteria:", "CRITERIA:").replace("input:", "Input:"))

    assert (flow.steps[0].id, flow.steps[0].criteria is None, flow.steps[0].input is None) == ("hello", False, False)


def test_steps_may_share_an_id() -> None:
    assert [step.id for step in read(GOOD + GOOD.partition("steps:\n")[2]).steps] == ["hello", "hello"]


def test_a_flow_of_60_000_keys_is_read_within_seconds() -> None:
    """It takes half a second of processor time; the limit is for a busy machine, and for what used to be quadratic."""
    text = GOOD.replace("{message: hello}", "{" + ", ".join(f"k{number}: v" for number in range(60_000)) + "}")
    began = time.process_time()

    assert len(read(text).source["steps"][0]["command"]["input"]) == 60_000  # type: ignore[index]  # plain JSON
    assert time.process_time() - began < 5


def test_numbers_in_the_input_lose_the_precision_that_they_lose_on_the_server() -> None:
    flow = read(GOOD.replace("message: hello", "a: 9007199254740993, b: 12345678901234567890, c: 2.5, d: 08"))

    assert flow.steps[0].input == {"a": 9007199254740992, "b": 12345678901234567000, "c": 2.5, "d": 8}


def test_malformed_json_is_reported_with_its_position() -> None:
    assert error_in('{"name": "x"; }', is_json=True).startswith("greet.yaml: ")
    assert "line 1 column 13" in error_in('{"name": "x"; }', is_json=True)


def test_positions_are_known_in_json() -> None:
    text = json.dumps(read(GOOD).source, indent=1).replace("'hi' }}", "'hi'|nope }}")

    assert "greet.yaml:10:50: step 'hello', criteria: the filter 'nope'" in error_in(text, is_json=True)


def test_yaml_timestamps_stay_strings() -> None:
    flow = read(GOOD.replace("message: hello", "day: 2024-03-01"))

    assert flow.source["steps"][0]["command"]["input"] == {"day": "2024-03-01"}  # type: ignore[index]  # plain JSON


def test_a_flow_whose_aliases_expand_too_far_is_rejected() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x], "
    bomb += "".join(f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}], " for old, new in pairwise("abcdefgh"))

    assert "too large or nested too deep" in error_in(GOOD.replace("message: hello", bomb))


def test_a_flow_nested_too_deep_is_rejected() -> None:
    assert "too large or nested too deep" in error_in(GOOD.replace("message: hello", f"a: {'[' * 80}{']' * 80}"))


@pytest.mark.parametrize("is_json", [True, False])
def test_unclosed_brackets_are_rejected(*, is_json: bool) -> None:
    assert error_in("[" * 10_000, is_json=is_json).startswith("greet.yaml")


def test_values_outside_json_are_rejected() -> None:
    document = read(GOOD).source
    step = document["steps"][0]  # type: ignore[index]  # plain JSON

    with pytest.raises(InvalidDocument, match="not a JSON value"):
        flow_from_values({**document, "steps": [{**step, "command": {**step["command"], "input": {1, 2}}}]}, "here")
