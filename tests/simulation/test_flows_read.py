"""Flows are read from JSON and YAML; what is wrong with one is said with file, step and place."""

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


def refusal(text: str, *, is_json: bool = False) -> str:
    with pytest.raises(InvalidDocument) as refused:
        read(text, is_json=is_json)
    return str(refused.value)


def test_yaml_and_json_write_the_same_flow(tmp_path: Path) -> None:
    yaml_flow = read(GOOD)
    path = tmp_path / "greet.json"
    path.write_text(json.dumps(yaml_flow.source), encoding="utf-8")

    assert flow_from_file(path).source == yaml_flow.source


@pytest.mark.parametrize("path", sorted(BUILT_IN.iterdir()), ids=lambda path: path.name)
def test_every_built_in_flow_can_be_read(path: Path) -> None:
    assert flow_from_file(path).name == path.stem


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidDocument, match=r"nope\.yaml: can't be read: .*No such file"):
        flow_from_file(tmp_path / "nope.yaml")


REFUSED = [
    ("name: [", "greet.yaml:1:8: expected the node content"),
    ("name: a\nname: b\n", "greet.yaml:1:1: the key 'name' stands twice"),
    ("- a\n", "greet.yaml:1: an object expected"),
    ("", "greet.yaml: missing"),
    ("steps: []\n", "greet.yaml:1: name: missing"),
    ("name: 5\nsteps: []\n", "greet.yaml:1: name: a string expected"),
    ("name: x\n", "greet.yaml:1: steps: a list with at least one step expected"),
    ("name: x\nsteps: []\n", "greet.yaml:2: steps: a list with at least one step expected"),
    (GOOD + GOOD.partition("steps:\n")[2], "greet.yaml:7: step 'hello', id: two steps are called 'hello'"),
    (GOOD.replace("- id: hello\n  event", "- comand: x\n  event"), "greet.yaml:3: step 1, comand: not a known key"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    assert message in refusal(text)


CHANGED = [
    (
        "command:",
        "comand:",
        ":6: step 'hello', comand: not a known key; known are command, context, criteria, dependsOn",
    ),
    ("packName: Slack, name: ReceivedMessage", "name: x", ":4: step 'hello', event.packName: missing"),
    ("name: SendMessage, ", "", ":6: step 'hello', command.name: missing"),
    ("'hi' }}", "'hi' | nope }}", ":5: step 'hello', criteria: line 1, column 36: the filter 'nope' is not supported"),
    ("== 'hi'", "== 'hi", ":5: step 'hello', criteria: line 1, column 29: the string is not closed"),
    ("hello}", "'{% nope %}'}", ":6: step 'hello', command.input.message: line 1, column 4: the tag 'nope'"),
    ("message: hello", "a: [1, {b: '{{'}]", ":6: step 'hello', command.input.a[1].b: line 1, column 1"),
    ("message: hello", "a: {1: x}", ":6: step 'hello', command.input.a: all keys have to be strings"),
    ("  criteria", "  context: {n: 5}\n  criteria", ":5: step 'hello', context.n: a string expected"),
    ("  criteria", "  context: text\n  criteria", ":5: step 'hello', context: an object expected"),
    ("  criteria", "  dependsOn: [other]\n  criteria", ":5: step 'hello', dependsOn: there is no step 'other'"),
    ("  criteria", "  dependsOn: no one\n  criteria", ":5: step 'hello', dependsOn: a list of step ids expected"),
]


@pytest.mark.parametrize(("old", "new", "message"), CHANGED)
def test_what_is_wrong_with_a_step_is_said_with_its_place(old: str, new: str, message: str) -> None:
    assert f"greet.yaml{message}" in refusal(GOOD.replace(old, new))


def test_broken_json_is_refused_with_its_place() -> None:
    assert refusal('{"name": "x"; }', is_json=True).startswith("greet.yaml: ")
    assert "line 1 column 13" in refusal('{"name": "x"; }', is_json=True)


def test_places_are_known_in_json_too() -> None:
    text = json.dumps(read(GOOD).source, indent=1).replace("'hi' }}", "'hi'|nope }}")

    assert "greet.yaml:10: step 'hello', criteria: line 1, column 34: the filter 'nope'" in refusal(text, is_json=True)


def test_times_and_other_things_of_yaml_stay_texts() -> None:
    flow = read(GOOD.replace("message: hello", "day: 2024-03-01"))

    assert flow.source["steps"][0]["command"]["input"] == {"day": "2024-03-01"}  # type: ignore[index]  # plain JSON


def test_a_flow_that_grows_out_of_hand_is_refused() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x], "
    bomb += "".join(f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}], " for old, new in pairwise("abcdefgh"))

    assert "too large or nested too deep" in refusal(GOOD.replace("message: hello", bomb))


def test_a_flow_that_nests_too_deep_is_refused() -> None:
    assert "too large or nested too deep" in refusal(GOOD.replace("message: hello", f"a: {'[' * 80}{']' * 80}"))


@pytest.mark.parametrize("is_json", [True, False])
def test_brackets_without_end_are_refused(*, is_json: bool) -> None:
    assert refusal("[" * 10_000, is_json=is_json).startswith("greet.yaml")


def test_values_that_json_does_not_have_are_refused() -> None:
    document = read(GOOD).source
    step = document["steps"][0]  # type: ignore[index]  # plain JSON

    with pytest.raises(InvalidDocument, match="not a value that JSON has"):
        flow_from_values({**document, "steps": [{**step, "command": {**step["command"], "input": {1, 2}}}]}, "here")
