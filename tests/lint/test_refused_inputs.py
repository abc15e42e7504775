"""Blocks, views and times with which a command fails are found, and what a template may make right is not."""

from textwrap import dedent, indent

import pytest

from entrypoints.lint.linter import lint_flow

STEP = """\
name: refused
steps:
- event: {packName: Slack, name: ReceivedMessage}
  command:
    packName: Slack
    name: %s
    input:
"""
MESSAGE = "channel: C1\ntext: hello\n"
MODAL = "triggerId: t\n"
TEXT = "{type: plain_text, text: %s}"


def found(command: str, given: str) -> list[str]:
    findings = lint_flow(STEP % command + indent(dedent(given), "      "), "flow.yaml")
    assert {finding.check for finding in findings} <= {"refused-input"}
    return [finding.message.removeprefix("step 1, command.input.") for finding in findings]


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ("[{type: section}]", "blocks[0].type: Slack refuses this: must define either `text` or `fields`"),
        ("[{type: image, image_url: 'https://a.example'}]", "missing required field: alt_text; add alt_text"),
        ("[{type: header, text: Hi}]", "must provide an object; write it as {type: plain_text, text: ...}"),
        ("[{type: header, text: '{{ Event.Payload.message }}'}]", "blocks[0].text: Slack refuses this: must provide"),
        ("[{type: header, text: {type: mrkdwn, text: Hi}}]", "must be a valid enum value; write plain_text"),
        ("[{type: sectoin}]", "unsupported type: sectoin; did you mean section?"),
        ("[{type: button, text: %s}]" % (TEXT % "Hi"), "blocks[0].type: Slack refuses this: unsupported type: button"),
        ("[{type: divider, id: a}, {type: divider, block: b}]", "invalid additional property: block; did you mean"),
        ('\'[{"type": "section"}]\'', "blocks: Slack refuses this: must define either `text` or `fields`"),
    ],
)
def test_blocks_that_slack_refuses_are_found(blocks: str, message: str) -> None:
    *_, finding = found("SendRichMessage", f"{MESSAGE}blocks: {blocks}\n")

    assert message in finding


@pytest.mark.parametrize(
    "blocks",
    [
        "[{type: '{{ Event.Payload.message }}'}]",
        "[{type: header, text: %s}]" % (TEXT % "'{{ Event.Payload.message }}'"),
        "[{type: futuristic, text: Hi}]",
        "[{type: section, text: %s, expand: null}]" % (TEXT % "Hi"),
        '\'[{"type": "{{ Event.Payload.message }}"}]\'',
        "[{type: actions, elements: [{type: button, text: %s, style: '{{ Event.Payload.message }}'}]}]" % (TEXT % "Hi"),
    ],
)
def test_blocks_that_may_be_right_are_not(blocks: str) -> None:
    findings = lint_flow(STEP % "SendRichMessage" + indent(f"{MESSAGE}blocks: {blocks}\n", "      "), "flow.yaml")

    assert [finding for finding in findings if finding.check == "refused-input"] == []


def test_an_option_that_a_template_may_make_is_not() -> None:
    option = "{text: {type: plain_text, text: a}, value: '%s'}"
    menu = f"initial_option: {option % 'a'}, options: [{option % '{{ Event.Payload.message }}'}]"
    blocks = f"[{{type: actions, elements: [{{type: static_select, {menu}}}]}}]"

    assert found("SendRichMessage", f"{MESSAGE}blocks: {blocks}\n") == []


def test_blocks_of_attachments_are_checked() -> None:
    (finding,) = found("SendRichMessage", f"{MESSAGE}attachments: [{{color: good, blocks: [{{type: section}}]}}]\n")

    assert finding.startswith("attachments[0].blocks[0].type: Slack refuses this: must define either")


@pytest.mark.parametrize(
    ("command", "view", "message"),
    [
        ("OpenModal", "{type: modal, blocks: []}", "view: Slack refuses this: missing required field: title; add"),
        ("OpenModal", "{type: home, blocks: []}", "view.type: Slack refuses this: OpenModal cannot show a view"),
        ("OpenModal", "{type: modal, title: %s, blocks: []}" % (TEXT % ("A" * 25)), "must be less than 25 characters"),
    ],
)
def test_views_that_slack_refuses_are_found(command: str, view: str, message: str) -> None:
    (finding,) = found(command, f"{MODAL}view: {view}\n")

    assert message in finding


@pytest.mark.parametrize("time", ["tomorrow", "2026-12-01T09:00:00", "'2026-12-01 9:00'", "1796112000000000"])
def test_a_time_that_is_none_is_found(time: str) -> None:
    (finding,) = found("ScheduleMessage", f"channelId: C1\nmessage: hi\npostAt: {time}\n")

    assert finding.startswith("postAt: ScheduleMessage fails: postAt ")


@pytest.mark.parametrize("time", ["'{{ Event.Payload.message }}'", "1796112000", "'2026-12-01T09:00:00Z'"])
def test_a_time_is_not(time: str) -> None:
    assert found("ScheduleMessage", f"channelId: C1\nmessage: hi\npostAt: {time}\n") == []


def test_a_select_without_options_is_found() -> None:
    view = f"{{type: home, blocks: [{{type: section, text: {TEXT % 'Hi'}, accessory: {{type: external_select}}}}]}}"
    findings = lint_flow(STEP % "PublishHome" + indent(f"userId: U1\nview: {view}\n", "      "), "flow.yaml")

    assert [(finding.check, finding.message.rpartition("; ")[2]) for finding in findings] == [
        ("external-select", "write static_select, and the options")
    ]


@pytest.mark.parametrize(
    ("command", "given", "reason"),
    [
        ("JoinChannel", "channelId: '#ops'", "Slack knows channels by their ids here, such as C024BE91L"),
        ("AddReaction", "channelId: C1\ntimestamp: '1.2'\nreaction: 👀", "a reaction is the name of an emoji"),
        ("SendDirectMessage", "userId: '@alice'\nmessage: hi", "Slack knows people by their ids, such as U023BECGF"),
    ],
)
def test_a_name_in_place_of_an_id_is_found(command: str, given: str, reason: str) -> None:
    (finding,) = found(command, given)

    assert f"{command} fails: {reason}" in finding


@pytest.mark.parametrize(
    ("command", "given"),
    [
        ("SendEphemeral", "channelId: '#ops'\nuserId: U1\nmessage: hi"),
        ("AddReaction", "channelId: C1\ntimestamp: '1.2'\nreaction: ':+1:'"),
        ("SendDirectMessage", "userId: '{{ Event.Payload.user.id }}'\nmessage: hi"),
    ],
)
def test_a_name_that_slack_takes_is_not(command: str, given: str) -> None:
    assert found(command, given) == []
