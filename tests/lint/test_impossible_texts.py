"""Conditions that compare a value with a text that it never is."""

import pytest

from entrypoints.lint.linter import lint_flow

FLOW = """\
name: impossible
steps:
- event: {packName: Slack, name: %s}
  criteria: >-
    {{ %s }}
  command: {packName: Slack, name: Broadcast, input: {message: hello}}
"""


def found(event: str, criteria: str) -> list[str]:
    return [finding.message for finding in lint_flow(FLOW % (event, criteria), "flow.yaml")]


@pytest.mark.parametrize(
    ("event", "criteria", "message"),
    [
        ("ReceivedSlashCommand", "command == 'oncall'", "command is never oncall; write /oncall, as people type it"),
        ("ReceivedSlashCommand", "command|match:'^oncall'", "command never begins with oncall; write /oncall"),
        ("ReceivedSlashCommand", "channelName != '#ops'", "channelName is never #ops; write ops, without the #"),
        ("ReceivedSlashCommand", "user.id == '@alice'", "user.id is never @alice; write the id, such as U023BECGF"),
        ("ReceivedMessage", "channelId == 'general'", "channelId is never general; write the id, such as C024BE91L"),
        ("ReceivedMessage", "channelType == 'dm'", "channelType is never dm; write channel, group, im or mpim"),
        ("ReactionAdded", "reaction == ':eyes:'", "reaction is never :eyes:; write eyes, without colons"),
        ("ReceivedShortcut", "shortcutType == 'message_action'", "write global or message"),
    ],
)
def test_an_impossible_text_is_found(event: str, criteria: str, message: str) -> None:
    (finding,) = found(event, f"Event.Payload.{criteria}")

    assert message in finding


@pytest.mark.parametrize(
    ("event", "criteria"),
    [
        ("ReceivedSlashCommand", "command == '/oncall'"),
        ("ReceivedSlashCommand", "command|match:'^/on'"),
        ("ReceivedSlashCommand", "command|match:'oncall$'"),
        ("ReceivedSlashCommand", "text == 'oncall'"),
        ("ReceivedMessage", "channelId == '1234'"),
        ("ReceivedMessage", "channelId != ''"),
        ("ReactionAdded", "reaction|match:'^(eyes|ticket)$'"),
        ("ReactionAdded", "reaction == '+1'"),
        ("MessageSent", "channelId == '#ops'"),
    ],
)
def test_a_possible_text_is_not(event: str, criteria: str) -> None:
    assert [one for one in found(event, f"Event.Payload.{criteria}") if "never" in one] == []
