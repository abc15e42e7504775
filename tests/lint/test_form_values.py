"""Ways into the values of a form that exist in Slack's own payload, but not in this pack's."""

import pytest

from entrypoints.lint.linter import lint_flow

FLOW = """\
name: forms
steps:
- event: {packName: Slack, name: ReceivedViewSubmission}
  command:
    packName: Slack
    name: SendMessage
    input: {channelId: C1, message: '{{ Event.Payload.%s }}'}
"""


def found(way: str) -> list[str]:
    return [str(finding) for finding in lint_flow(FLOW % way, "flow.yaml")]


@pytest.mark.parametrize(
    "way", ["state.title.title.value", "state.values.title.title", "state.values.title.title.value"]
)
def test_a_key_below_a_value_of_a_form_is_found(way: str) -> None:
    (finding,) = found(way)

    assert finding.startswith(
        "flow.yaml:7:41: step 1, command.input.message: the payload of ReceivedViewSubmission has"
    )
    assert finding.endswith("write Event.Payload.state.title.title [unknown-payload-key]")


@pytest.mark.parametrize("way", ["state", "state.title", "state.title.title", "state.people.people.0"])
def test_the_values_and_their_items_are_right(way: str) -> None:
    assert found(way) == []
