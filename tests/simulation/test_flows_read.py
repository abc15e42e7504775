"""Flows are loaded from JSON and YAML; errors name the file, line, column and step."""

import json
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
    ("name: [", "greet.yaml:1:8: expected the node content"),
    ("name: a\nname: b\n", "greet.yaml:1:1: duplicate key 'name'"),
    ("- a\n", "greet.yaml:1:1: expected an object"),
    ("", "greet.yaml: expected an object"),
    ("steps: []\n", "greet.yaml:1:1: name: missing"),
    ("name: 5\nsteps: []\n", "greet.yaml:1:1: name: expected a string"),
    ("name: x\n", "greet.yaml:1:1: steps: missing"),
    ("name: x\nsteps: []\n", "greet.yaml:2:1: steps: expected a list of steps, with at least one"),
    (GOOD + GOOD.partition("steps:\n")[2], "greet.yaml:7:3: step 'hello', id: duplicate step id 'hello'"),
    (
        GOOD.replace("- id: hello\n  event", "- comand: x\n  event"),
        "greet.yaml:3:3: step 1, comand: unknown key 'comand'",
    ),
]


@pytest.mark.parametrize(("text", "message"), FLOW_ERRORS)
def test_errors_are_reported_with_their_position(text: str, message: str) -> None:
    assert message in error_in(text)


STEP_ERRORS = [
    (
        "command:",
        "comand:",
        ":6:3: step 'hello', comand: unknown key 'comand'; did you mean",
    ),
    ("packName: Slack, name: ReceivedMessage", "name: x", ":4:3: step 'hello', event.packName: missing"),
    ("name: SendMessage, ", "", ":6:3: step 'hello', command.name: missing"),
    (
        "'hi' }}",
        "'hi' | nope }}",
        ":5:3: step 'hello', criteria: line 1, column 36: the filter 'nope' is not supported",
    ),
    ("== 'hi'", "== 'hi", ":5:3: step 'hello', criteria: line 1, column 29: the string is not closed"),
    ("hello}", "'{% nope %}'}", ":6:57: step 'hello', command.input.message: line 1, column 4: the tag 'nope'"),
    ("message: hello", "a: [1, {b: '{{'}]", ":6:65: step 'hello', command.input.a[1].b: line 1, column 1"),
    ("message: hello", "a: {1: x}", ":6:57: step 'hello', command.input.a: expected strings as keys"),
    ("  criteria", "  context: {n: 5}\n  criteria", ":5:13: step 'hello', context.n: expected a string"),
    ("  criteria", "  context: text\n  criteria", ":5:3: step 'hello', context: expected an object"),
    ("  criteria", "  dependsOn: [other]\n  criteria", ":5:3: step 'hello', dependsOn: there is no step 'other'"),
    ("  criteria", "  dependsOn: no one\n  criteria", ":5:3: step 'hello', dependsOn: expected a list of step ids"),
]


@pytest.mark.parametrize(("old", "new", "message"), STEP_ERRORS)
def test_errors_in_a_step_are_reported_with_their_position(old: str, new: str, message: str) -> None:
    assert f"greet.yaml{message}" in error_in(GOOD.replace(old, new))


def test_malformed_json_is_reported_with_its_position() -> None:
    assert error_in('{"name": "x"; }', is_json=True).startswith("greet.yaml: ")
    assert "line 1 column 13" in error_in('{"name": "x"; }', is_json=True)


def test_positions_are_known_in_json() -> None:
    text = json.dumps(read(GOOD).source, indent=1).replace("'hi' }}", "'hi'|nope }}")

    assert "greet.yaml:10:4: step 'hello', criteria: line 1, column 34: the filter 'nope'" in error_in(
        text, is_json=True
    )


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
