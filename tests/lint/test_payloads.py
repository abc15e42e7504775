"""What the payloads of events hold: what is always empty, and where a key is that stands elsewhere."""

import pytest

from entrypoints.lint.linter import lint_flow

FLOW = """\
name: payloads
steps:
- event: {packName: Slack, name: %s}
  command:
    packName: Slack
    name: SendMessage
    input: {channelId: '{{ Event.Payload.%s }}', message: hello}
"""


def found(event: str, key: str) -> list[str]:
    findings = lint_flow(FLOW % (event, key), "flow.yaml")
    return [f"{finding.check}: {finding.message.rpartition('; ')[2]}" for finding in findings]


@pytest.mark.parametrize("event", ["ReceivedViewSubmission", "ReceivedViewClosed"])
def test_a_view_has_no_channel(event: str) -> None:
    advice = "bring the channel along in the private_metadata of the view"

    assert found(event, "channelId") == [f"view-without-channel: {advice}"]
    assert found(event, "privateMetadata") == []


@pytest.mark.parametrize("event", ["ReceivedShortcut", "ReceivedBlockAction", "ReceivedSlackEvent"])
def test_other_events_can_have_one(event: str) -> None:
    assert found(event, "channelId") == []


@pytest.mark.parametrize(
    ("event", "key", "meant"),
    [("ReactionAdded", "timestamp", "item.timestamp"), ("ReceivedMessage", "handle", "user.handle")],
)
def test_a_key_that_is_within_another_is_named_there(event: str, key: str, meant: str) -> None:
    assert found(event, key) == [f"unknown-payload-key: did you mean {meant}?"]
