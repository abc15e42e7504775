from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.interactions import InteractionParser
from application.ports.receiver import ChatEvent, OtherWorkspaceEvent
from domain.channels import NO_CHANNEL, ChannelId
from domain.interactions import BlockAction, Shortcut, SlashCommand, ViewEvent
from domain.json_values import Json, JsonObject
from domain.users import Identity
from entrypoints.testing.strategies import json_values

OURS = Identity("UFLYTE", "BFLYTE", "T1", "E1")
C1 = ChannelId("C1")
HOOK = "https://hooks.slack.com/actions/T1/1/x"

PERSON: JsonObject = {"id": "U1", "username": "alice", "name": "alice", "team_id": "T1"}
COMMON: JsonObject = {
    "team": {"id": "T1", "domain": "example"},
    "api_app_id": "A1",
    "token": "verification",
    "trigger_id": "12.34.abc",
    "user": PERSON,
    "enterprise": None,
    "is_enterprise_install": False,
}
VIEW: JsonObject = {
    "id": "V1",
    "type": "modal",
    "callback_id": "ticket",
    "external_id": "mine",
    "hash": "156772938.1827394",
    "private_metadata": "secret plan",
    "state": {"values": {"title": {"text": {"type": "plain_text_input", "value": "Broken"}}}},
    "app_installed_team_id": "T1",
}


def block_actions(*actions: JsonObject, **fields: Json) -> JsonObject:
    return {
        **COMMON,
        "type": "block_actions",
        "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1", "is_ephemeral": False},
        "channel": {"id": "C1", "name": "ops"},
        "message": {"type": "message", "ts": "1.2", "text": "Deploy?", "bot_id": "BFLYTE", "thread_ts": "1.1"},
        "response_url": HOOK,
        "state": {"values": {}},
        "actions": list(actions or [button()]),
        **fields,
    }


def button(**fields: Json) -> JsonObject:
    texts: JsonObject = {"type": "plain_text", "text": "Approve"}
    action: JsonObject = {"type": "button", "action_id": "approve", "block_id": "b1", "action_ts": "3.4"}
    return {**action, "text": texts, "value": "yes", **fields}


def shortcut(**fields: Json) -> JsonObject:
    return {**COMMON, "type": "shortcut", "callback_id": "start", "action_ts": "3.4", **fields}


def message_action(**fields: Json) -> JsonObject:
    message: JsonObject = {"type": "message", "ts": "1.2", "text": "Help", "user": "U2", "thread_ts": "1.1"}
    place: JsonObject = {"channel": {"id": "C1", "name": "ops"}, "message_ts": "1.2", "message": message}
    return {**COMMON, "type": "message_action", "callback_id": "open", "response_url": HOOK, **place, **fields}


def submission(**fields: Json) -> JsonObject:
    return {**COMMON, "type": "view_submission", "view": VIEW, "response_urls": [], **fields}


def closing(**fields: Json) -> JsonObject:
    payload: JsonObject = {**COMMON, "type": "view_closed", "view": VIEW, "is_cleared": True, **fields}
    del payload["trigger_id"]
    return payload


def command(**fields: Json) -> JsonObject:
    return {
        "token": "verification",
        "command": "/deploy",
        "text": "web  now",
        "response_url": HOOK,
        "trigger_id": "12.34.abc",
        "user_id": "U1",
        "user_name": "alice",
        "team_id": "T1",
        "team_domain": "example",
        "channel_id": "C1",
        "channel_name": "ops",
        "api_app_id": "A1",
        "is_enterprise_install": "false",
        **fields,
    }


def parse(payload: Json) -> list[ChatEvent]:
    return list(InteractionParser("").parse(payload, OURS).events)


def parse_command(fields: JsonObject) -> list[ChatEvent]:
    return list(InteractionParser("").parse_command(fields, OURS).events)


def action_of(payload: JsonObject) -> BlockAction:
    (event,) = parse(payload)
    assert isinstance(event, BlockAction)
    return event


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
    (["rich_text_input"], {"rich_text_value": RICH_TEXT}, "Ask <@U1> :tada:\nhttps://x.example"),
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
    [{"team": None}, {"team": {"id": "T2"}, "enterprise": {"id": "E1"}}, {"team": {"id": "T2"}, "view": VIEW}],
)
def test_an_interaction_that_may_be_of_the_packs_workspace_is_not_marked(fields: JsonObject) -> None:
    assert isinstance(parse(block_actions(**fields))[0], BlockAction)


def test_an_interaction_of_another_workspace_is_marked() -> None:
    (click,) = parse(block_actions(team={"id": "T2", "domain": "other"}))
    (ran,) = parse_command(command(team_id="T2"))
    for event in (click, ran):
        assert isinstance(event, OtherWorkspaceEvent)
        assert event.team_id == "T2"


@pytest.mark.parametrize(
    "payload",
    [
        {**COMMON, "type": "interactive_message", "callback_id": "x", "actions": [{"name": "x", "value": "y"}]},
        {**COMMON, "type": "dialog_submission", "submission": {"a": "b"}},
        {**COMMON, "type": "workflow_step_edit"},
        {**COMMON, "type": "of_tomorrow"},
        {**COMMON, "type": ["block_actions"]},
        {},
        None,
        [],
        "block_actions",
    ],
)
def test_what_the_pack_has_no_use_for_is_logged_once(payload: Json) -> None:
    parser = InteractionParser("")
    with structlog.testing.capture_logs() as logs:
        deliveries = [parser.parse(payload, OURS) for _ in range(3)]
    assert [(delivery.events, delivery.response) for delivery in deliveries] == [([], None)] * 3
    assert [line["event"] for line in logs] == ["slack_interaction_ignored"]


def test_a_request_for_options_gets_none() -> None:
    delivery = InteractionParser("").parse({**COMMON, "type": "block_suggestion", "value": "a"}, OURS)
    assert (delivery.events, delivery.response) == ([], {"options": []})


def test_a_test_of_the_address_is_ignored() -> None:
    assert parse_command({"ssl_check": "1", "token": "verification"}) == []


@pytest.mark.parametrize(
    "payload",
    [
        block_actions(user=None),
        block_actions(user={"id": 7}),
        block_actions(actions=None),
        block_actions(actions=[]),
        block_actions(actions=["approve"]),
        block_actions(button(action_id=None)),
        block_actions(button(action_id=5)),
        shortcut(trigger_id=None),
        shortcut(user="U1"),
        message_action(trigger_id=12),
        submission(view=None),
        submission(view={"id": None}),
        closing(user={}),
    ],
)
def test_a_malformed_payload_is_logged_and_ignored(payload: JsonObject) -> None:
    with structlog.testing.capture_logs() as logs:
        assert parse(payload) == []
    assert [line["event"] for line in logs] == ["slack_interaction_malformed"]


@pytest.mark.parametrize("field", ["user_id", "command", "trigger_id"])
@pytest.mark.parametrize("value", [None, "", 7])
def test_a_malformed_slash_command_is_logged_and_ignored(field: str, value: Json) -> None:
    with structlog.testing.capture_logs() as logs:
        assert parse_command(command(**{field: value})) == []
    assert [line["event"] for line in logs] == ["slack_interaction_malformed"]


def test_optional_fields_of_a_wrong_type_become_empty() -> None:
    event = action_of(
        block_actions(
            button(value=7.5, block_id=None, action_ts=3),
            container=7,
            channel=[],
            message="x",
            response_url=5,
            trigger_id=None,
            state=[],
            team=None,
            user={"id": "U1"},
        )
    )
    assert event == BlockAction(channel_id=NO_CHANNEL, user_id="U1", action_id="approve", action_type="button")


def test_the_reply_to_a_command_is_its_response() -> None:
    parser = InteractionParser("On it!")
    assert parser.parse_command(command(), OURS).response == {"text": "On it!"}
    assert parser.parse(block_actions(), OURS).response is None


@pytest.mark.parametrize("payload", [block_actions(), shortcut(), message_action(), submission(), closing()])
def test_the_verification_token_is_not_kept(payload: JsonObject) -> None:
    assert "verification" not in repr(parse(payload)) + repr(parse_command(command()))


@given(st.sampled_from([block_actions(), message_action(), submission(), closing()]), st.data())
def test_no_payload_raises(payload: JsonObject, data: st.DataObject) -> None:
    fields: dict[str, Any] = data.draw(st.dictionaries(st.sampled_from(sorted(payload)), json_values))
    parse({**payload, **fields, "type": payload["type"]})


@given(json_values, st.dictionaries(st.sampled_from(sorted(command())), json_values))
def test_no_value_raises(value: Json, fields: JsonObject) -> None:
    parse(value)
    parse({**COMMON, "type": "view_submission", "view": VIEW | {"state": value}})
    parse(block_actions(view=VIEW | {"state": {"values": {"b": value}}}))
    parse_command(command(**fields))
