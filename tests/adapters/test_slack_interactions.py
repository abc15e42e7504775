"""Interactions and the events that they become."""

import pytest

from adapters.slack.interactions import InteractionParser
from application.ports.receiver import OtherWorkspaceEvent
from domain.channels import NO_CHANNEL
from domain.interactions import BlockAction, Shortcut, SlashCommand, ViewEvent
from domain.json_values import Json, JsonObject
from domain.users import Identity
from tests.support.interaction_payloads import (
    C1,
    HOOK,
    OURS,
    PERSON,
    VIEW,
    action_of,
    block_actions,
    button,
    closing,
    command,
    message_action,
    parse,
    parse_command,
    shortcut,
    submission,
)


def test_a_click_in_a_message_becomes_a_block_action() -> None:
    assert parse(block_actions()) == [
        BlockAction(
            channel_id=C1,
            user_id="U1",
            team_id="T1",
            action_id="approve",
            action_type="button",
            block_id="b1",
            value="yes",
            values=("yes",),
            timestamp="1.2",
            thread_timestamp="1.1",
            message="Deploy?",
            action_timestamp="3.4",
            trigger_id="12.34.abc",
            response_url=HOOK,
        )
    ]


def test_a_click_in_an_ephemeral_message_needs_no_message() -> None:
    container: JsonObject = {"type": "message", "message_ts": "1.2", "channel_id": "C1", "is_ephemeral": True}
    payload = block_actions(container=container | {"thread_ts": "1.1"})
    del payload["message"], payload["channel"]

    event = action_of(payload)

    assert (event.channel_id, event.timestamp, event.thread_timestamp) == (C1, "1.2", "1.1")
    assert (event.message, event.is_ephemeral) == ("", True)


def test_a_click_in_an_attachment_names_its_message() -> None:
    container: JsonObject = {"type": "message_attachment", "message_ts": "1.2", "channel_id": "C1", "attachment_id": 1}
    assert action_of(block_actions(container=container)).timestamp == "1.2"


@pytest.mark.parametrize("kind", ["modal", "home"])
def test_a_click_in_a_view_has_the_view_and_no_channel(kind: str) -> None:
    payload = block_actions(container={"type": "view", "view_id": "V1"}, view=VIEW | {"type": kind})
    for name in ("channel", "message", "response_url", "state"):
        del payload[name]

    event = action_of(payload)

    assert (event.channel_id, event.timestamp, event.response_url) == (NO_CHANNEL, "", "")
    assert (event.view_id, event.view_hash, event.callback_id) == ("V1", "156772938.1827394", "ticket")
    assert (event.external_id, event.private_metadata) == ("mine", "secret plan")
    assert event.state == {"title": {"text": "Broken"}}


def test_several_actions_become_several_events() -> None:
    events = parse(block_actions(button(), button(action_id="reject", value="no")))
    assert [event.action_id for event in events if isinstance(event, BlockAction)] == ["approve", "reject"]
    assert len({event.key for event in events if isinstance(event, BlockAction)}) == 2


def test_actions_with_the_same_id_in_two_blocks_are_two_events() -> None:
    events = parse(block_actions(button(), button(block_id="b2")))
    assert len({event.key for event in events if isinstance(event, BlockAction)}) == 2


def test_a_malformed_action_does_not_hide_the_others() -> None:
    events = parse(block_actions(button(action_id=None), button()))
    assert [event.action_id for event in events if isinstance(event, BlockAction)] == ["approve"]


def option(value: str) -> JsonObject:
    return {"text": {"type": "plain_text", "text": value.upper()}, "value": value}


RICH_TEXT: JsonObject = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "Ask "},
                {"type": "user", "user_id": "U1"},
                {"type": "text", "text": " ", "style": {"bold": True}},
                {"type": "emoji", "name": "tada"},
            ],
        },
        {
            "type": "rich_text_list",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "link", "url": "https://x.example"}]}],
        },
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "color", "value": "#ff0000"},
                {"type": "text", "text": " by "},
                {"type": "date", "timestamp": 1767603600, "format": "{date_short}", "fallback": "5 January"},
            ],
        },
    ],
}

ELEMENTS = [
    (["button"], {"value": "yes"}, "yes"),
    (["button"], {}, ""),
    (["static_select", "external_select", "overflow", "radio_buttons"], {"selected_option": option("a")}, "a"),
    (["static_select", "radio_buttons"], {"selected_option": None}, ""),
    (
        ["multi_static_select", "multi_external_select", "checkboxes"],
        {"selected_options": [option("a"), option("b")]},
        ["a", "b"],
    ),
    (["multi_static_select", "checkboxes"], {"selected_options": []}, []),
    (["multi_static_select", "checkboxes", "multi_users_select"], {}, []),
    (["users_select"], {"selected_user": "U2"}, "U2"),
    (["users_select"], {"selected_user": None}, ""),
    (["multi_users_select"], {"selected_users": ["U2", "U3"]}, ["U2", "U3"]),
    (["conversations_select"], {"selected_conversation": "C2"}, "C2"),
    (["multi_conversations_select"], {"selected_conversations": ["C2"]}, ["C2"]),
    (["channels_select"], {"selected_channel": "C2"}, "C2"),
    (["multi_channels_select"], {"selected_channels": []}, []),
    (["datepicker"], {"selected_date": "2026-11-28"}, "2026-11-28"),
    (["datepicker"], {"selected_date": None}, ""),
    (["timepicker"], {"selected_time": "12:30", "timezone": "Etc/UTC"}, "12:30"),
    (["datetimepicker"], {"selected_date_time": 1795521042}, 1795521042),
    (["plain_text_input", "email_text_input", "url_text_input", "number_input"], {"value": "7"}, "7"),
    (["plain_text_input", "number_input"], {"value": None}, ""),
    (["rich_text_input"], {"rich_text_value": RICH_TEXT}, "Ask <@U1> :tada:\nhttps://x.example\n#ff0000 by 5 January"),
    (["file_input"], {"files": [{"id": "F1", "name": "x"}]}, ["F1"]),
]
CASES = [(kind, fields, value) for kinds, fields, value in ELEMENTS for kind in kinds]


@pytest.mark.parametrize(("kind", "fields", "value"), CASES)
def test_the_state_has_the_value_of_each_element(kind: str, fields: JsonObject, value: Json) -> None:
    state: JsonObject = {"values": {"b": {"a": {"type": kind, **fields}}}}
    (event,) = parse(submission(view=VIEW | {"state": state}))
    assert isinstance(event, ViewEvent)
    assert event.state == {"b": {"a": value}}


@pytest.mark.parametrize(("kind", "fields", "value"), CASES)
def test_an_action_has_its_value_as_a_text_and_as_a_list(kind: str, fields: JsonObject, value: Json) -> None:
    action: JsonObject = {"type": kind, "action_id": "a", "block_id": "b", "action_ts": "3.4", **fields}
    event = action_of(block_actions(action))
    texts = tuple(map(str, value)) if isinstance(value, list) else tuple(filter(None, [str(value)]))
    assert (event.value, event.values) == (texts[0] if texts else "", texts)


def test_the_state_of_a_message_is_passed_on() -> None:
    state: JsonObject = {"values": {"b": {"a": {"type": "users_select", "selected_user": "U2"}}}}
    assert action_of(block_actions(state=state)).state == {"b": {"a": "U2"}}


def test_a_global_shortcut_has_no_place() -> None:
    assert parse(shortcut()) == [
        Shortcut(
            channel_id=NO_CHANNEL,
            user_id="U1",
            team_id="T1",
            callback_id="start",
            shortcut_type="global",
            trigger_id="12.34.abc",
        )
    ]


def test_a_shortcut_on_a_message_names_it() -> None:
    assert parse(message_action()) == [
        Shortcut(
            channel_id=C1,
            user_id="U1",
            team_id="T1",
            callback_id="open",
            shortcut_type="message",
            timestamp="1.2",
            thread_timestamp="1.1",
            message="Help",
            trigger_id="12.34.abc",
            response_url=HOOK,
        )
    ]


def test_a_submission_has_its_view_and_response_urls() -> None:
    url: JsonObject = {"block_id": "b", "action_id": "a", "channel_id": "C1", "response_url": HOOK}
    assert parse(submission(response_urls=[url])) == [
        ViewEvent(
            user_id="U1",
            team_id="T1",
            is_submitted=True,
            callback_id="ticket",
            view_id="V1",
            view_hash="156772938.1827394",
            external_id="mine",
            private_metadata="secret plan",
            state={"title": {"text": "Broken"}},
            trigger_id="12.34.abc",
            response_urls=({"blockId": "b", "actionId": "a", "channelId": "C1", "responseUrl": HOOK},),
        )
    ]


def test_a_closed_view_has_no_trigger() -> None:
    (event,) = parse(closing())
    assert isinstance(event, ViewEvent)
    assert (event.is_submitted, event.is_cleared, event.trigger_id, event.view_id) == (False, True, "", "V1")


def test_a_slash_command_has_its_text_as_typed() -> None:
    assert parse_command(command()) == [
        SlashCommand(
            channel_id=C1,
            user_id="U1",
            team_id="T1",
            command="/deploy",
            text="web  now",
            channel_name="ops",
            trigger_id="12.34.abc",
            response_url=HOOK,
        )
    ]


def test_an_organisations_app_learns_the_workspace_from_the_user() -> None:
    organisation = Identity("UFLYTE", "BFLYTE", "T1", "E1", is_organization_wide=True)
    payload = block_actions(team=None, user={**PERSON, "team_id": "T7"}, enterprise={"id": "E1", "name": "x"})
    (event,) = InteractionParser("").parse(payload, organisation).events
    assert isinstance(event, BlockAction)
    assert event.team_id == "T7"


@pytest.mark.parametrize(
    "fields",
    [
        {"team": None},
        {"team": None, "enterprise": {"id": "E2", "name": "x"}},
        {"team": {"id": "T2"}, "enterprise": {"id": "E1"}},
        {"team": {"id": "T2"}, "view": VIEW},
        {"team": {"id": "T2"}, "view": VIEW | {"app_installed_team_id": None, "bot_id": "BFLYTE"}},
        {"team": {"id": "T2"}, "message": {"ts": "1.2", "bot_id": "BFLYTE"}},
    ],
)
def test_an_interaction_that_may_be_of_the_packs_workspace_is_not_marked(fields: JsonObject) -> None:
    assert isinstance(parse(block_actions(**({"message": None} | fields)))[0], BlockAction)


def test_an_interaction_of_another_workspace_is_marked() -> None:
    message: JsonObject = {"ts": "1.2", "bot_id": "BOTHER"}
    (click,) = parse(block_actions(team={"id": "T2", "domain": "other"}, message=message))
    (ran,) = parse_command(command(team_id="T2"))
    for event in (click, ran):
        assert isinstance(event, OtherWorkspaceEvent)
        assert event.team_id == "T2"


def test_the_reply_to_a_command_is_its_response() -> None:
    parser = InteractionParser("On it!")
    assert parser.parse_command(command(), OURS).response == {"text": "On it!"}
    assert parser.parse(block_actions(), OURS).response is None
