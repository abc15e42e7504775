"""Tells events of the pack's workspace from those of others."""

from dataclasses import replace

import pytest

from adapters.slack.events import parse_callback
from application.ports.receiver import (
    ChatEvent,
    MembershipGained,
    OtherWorkspaceEvent,
)
from domain.json_values import Json, JsonObject
from domain.messages import IncomingMessage
from domain.users import Identity
from tests.support.slack_events import C1, OURS, OWN, message

OTHER_AUTHORIZATION: JsonObject = {"team_id": "T2", "enterprise_id": "E2", "user_id": "U2", "is_bot": True}


def in_body(**fields: Json) -> ChatEvent:
    """The event of a message in a body with these fields, received by a bot of the organization E1."""
    body: JsonObject = {"type": "event_callback", "event": message(), **fields}
    (event,) = parse_callback(body, replace(OURS, enterprise_id="E1"))
    return event


@pytest.mark.parametrize(
    "fields",
    [
        {"team_id": "T2"},
        {"team_id": "T2", "context_team_id": "T2", "enterprise_id": "E2", "context_enterprise_id": "E2"},
        {"team_id": "T2", "authorizations": [OTHER_AUTHORIZATION], "is_ext_shared_channel": False},
        {"team_id": "T2", "enterprise_id": None, "authorizations": None},
        {"authorizations": [OTHER_AUTHORIZATION]},
    ],
)
def test_an_event_of_another_workspace_is_marked(fields: JsonObject) -> None:
    event = in_body(**fields)
    assert isinstance(event, OtherWorkspaceEvent)
    assert event.team_id == "T2"
    assert isinstance(event.event, IncomingMessage)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"team_id": None, "authorizations": []},
        {"team_id": "T1"},
        {"team_id": "T2", "context_team_id": "T1"},
        {"team_id": "T2", "enterprise_id": "E1"},
        {"team_id": "T2", "context_enterprise_id": "E1"},
        {"team_id": "T2", "authorizations": [OTHER_AUTHORIZATION, {"team_id": "T1"}]},
        {"team_id": "T2", "authorizations": [OTHER_AUTHORIZATION | {"enterprise_id": "E1"}]},
        {"team_id": "T2", "is_ext_shared_channel": True},
    ],
)
def test_an_event_that_names_the_packs_workspace_is_not_marked(fields: JsonObject) -> None:
    assert isinstance(in_body(**fields), IncomingMessage)


@pytest.mark.parametrize("ours", [replace(OURS, is_organization_wide=True), replace(OURS, team_id="")])
def test_no_event_is_marked_if_the_token_is_not_of_one_workspace(ours: Identity) -> None:
    body: JsonObject = {"type": "event_callback", "event": message(), "team_id": "T2"}
    (event,) = parse_callback(body, ours)
    assert isinstance(event, IncomingMessage)


def test_the_bots_own_joining_is_not_marked() -> None:
    joined: JsonObject = {"type": "member_joined_channel", "user": OWN, "channel": "C1"}
    assert parse_callback({"type": "event_callback", "event": joined, "team_id": "T2"}, OURS) == [MembershipGained(C1)]
