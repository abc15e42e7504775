"""Interactions that the pack has no use for, and malformed ones."""

from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.interactions import InteractionParser
from domain.channels import NO_CHANNEL
from domain.interactions import BlockAction
from domain.json_values import Json, JsonObject
from entrypoints.testing.strategies import json_values
from tests.support.interaction_payloads import (
    COMMON,
    OURS,
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
