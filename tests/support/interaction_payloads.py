"""Interactions as Slack sends them, and what the parser makes of them."""

from adapters.slack.interactions import InteractionParser
from application.ports.receiver import ChatEvent
from domain.channels import ChannelId
from domain.interactions import BlockAction
from domain.json_values import Json, JsonObject
from domain.users import Identity

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
