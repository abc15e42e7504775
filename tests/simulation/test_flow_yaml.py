"""Flows as YAML that Flyte reads as the same flow."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.simulation.flyte.flow_loader import flow_from_text, flow_from_values
from entrypoints.simulation.flyte.flow_yaml import yaml_of
from entrypoints.simulation.flyte.yaml_reader import read_yaml

STEP = {"event": {"packName": "Slack", "name": "MessageSent"}, "command": {"packName": "Slack", "name": "Broadcast"}}
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="{"))
"""Any text that is a valid template."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def source(value: Any) -> dict[str, Any]:
    return {"name": "it", "steps": [{**STEP, "command": {**STEP["command"], "input": {"value": value}}}]}


def test_the_text_of_a_yaml_file_keeps_its_comments() -> None:
    text = "# mine\nname: it\nsteps: [] # none yet\n"

    assert yaml_of(flow_from_text(text, "flow.yaml", is_json=False)) == text


def test_a_json_file_is_written_as_yaml() -> None:
    flow = flow_from_text('{"name": "it", "steps": [], "description": "a\\"b"}', "flow.json", is_json=True)

    assert yaml_of(flow) == 'name: it\nsteps: []\ndescription: a"b\n'


@pytest.mark.parametrize(
    "text", ["y", "08", "12:30", "1e+3", "0o17", "~", "<<", "{a: 1}", "{{ Event.Name }}", "a\nb", " a\n b "]
)
def test_a_text_that_yaml_reads_as_something_else_is_quoted(text: str) -> None:
    flow = flow_from_values(source([text, {text: text}]), "posted")

    assert read_yaml(yaml_of(flow)).data == flow.source


@given(VALUES)
def test_any_value_is_read_as_it_was(value: object) -> None:
    flow = flow_from_values(source({"a": value}), "posted")

    assert read_yaml(yaml_of(flow)).data == flow.source
