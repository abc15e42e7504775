"""Flows that are right get no finding, and Flyte's own documentation gets its suggestion."""

from pathlib import Path
from textwrap import dedent

import pytest

from entrypoints.lint.linter import lint_flow
from entrypoints.simulation.flyte.flow_loader import BUILT_IN
from tests.support.pages import ROOT, page, section, titled_blocks

FILES = [*sorted(BUILT_IN.iterdir()), *sorted((ROOT / "examples" / "flows").glob("*.yaml"))]
RECIPES = titled_blocks(section(page("flow-authors.md"), "## Recipes"))
OF_FLYTE = (Path(__file__).parent / "flyte_documentation.yaml").read_text(encoding="utf-8")


def found(text: str) -> list[str]:
    return [str(finding) for finding in lint_flow(text, "flow.yaml")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_example_flow_has_no_findings(path: Path) -> None:
    assert found(path.read_text(encoding="utf-8")) == []


def test_the_place_in_a_trace_is_a_key_of_every_event_and_every_input() -> None:
    flow = """
        name: echo
        steps:
        - event: {packName: Slack, name: ReceivedMessage}
          command:
            packName: Slack
            name: SendMessage
            input:
              channelId: "{{ Event.Payload.channelId }}"
              message: "{{ Event.Payload.message }}"
              traceparent: "{{ Event.Payload.traceparent }}"
    """

    assert found(dedent(flow)) == []


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_of_the_documentation_has_no_findings(title: str) -> None:
    assert found(RECIPES[title]) == []


def test_a_flow_may_handle_only_a_command_that_could_not_be_started() -> None:
    flow = """
        name: cautious
        steps:
        - id: asked
          event: {packName: Slack, name: ReceivedMessage}
          command: {packName: Slack, name: SendMessage, input: {channelId: C1, message: hi}}
        - dependsOn: [asked]
          event: {packName: Slack, name: FATAL}
          command: {packName: Slack, name: SendMessage, input: {channelId: C2, message: '{{ Event.Payload }}'}}
    """

    assert found(dedent(flow)) == []


def test_an_anchor_that_is_used_is_no_text() -> None:
    flow = """
        name: twice
        steps:
        - event: &received {packName: Slack, name: ReceivedMessage}
          command: {packName: Slack, name: SendMessage, input: {channelId: &ops C1, message: hi}}
        - event: *received
          command: {packName: Slack, name: SendMessage, input: {channelId: *ops, message: ho}}
    """

    assert found(dedent(flow)) == []


def test_the_flow_of_flyte_s_quick_start_has_no_findings() -> None:
    text = (ROOT / "tests" / "lint" / "flyte_quick_start.yaml").read_text(encoding="utf-8")

    assert found(text) == []


def test_the_flow_of_flyte_s_documentation_gets_its_suggestions_as_it_stands_there() -> None:
    findings = found(OF_FLYTE)
    event = "flow.yaml:13:20: step 'slack_start_to_bamboo', event.name: the pack Slack has no event MessageReceived"
    key = "the payload of ReceivedMessage has no key Message; did you mean message?"

    assert f"{event}; did you mean ReceivedMessage? [unknown-event]" in findings
    assert sum(key in finding for finding in findings) == 3


def test_without_its_slashes_the_flow_of_flyte_s_documentation_gets_the_same_suggestions() -> None:
    lines = [line.partition(" //")[0].rstrip().rstrip(",") for line in OF_FLYTE.splitlines() if "....." not in line]
    findings = found("name: labels\n" + dedent("\n".join(lines[1:])))

    assert {finding.rpartition(" ")[2] for finding in findings} == {"[unknown-event]", "[unknown-payload-key]"}
