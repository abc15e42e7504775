"""Parses Slack's events besides messages and memberships: reactions, edits, deletions, and those of selected types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.events import EventSelection, parse_callback, parse_event
from application.ports.receiver import (
    ChatEvent,
    MembershipGained,
)
from domain.channels import NO_CHANNEL, ChannelId
from domain.interactions import MessageChange, OtherEvent, Reaction
from domain.json_values import Json, JsonObject
from entrypoints.testing.strategies import json_values
from tests.support.slack_events import C1, OURS, OWN, message, reaction

EDITS = EventSelection(edits=True)


@pytest.mark.parametrize(("kind", "is_added"), [("reaction_added", True), ("reaction_removed", False)])
def test_a_reaction_is_parsed(kind: str, is_added: bool) -> None:
    assert parse_event(reaction(kind), OURS) == Reaction(
        channel_id=C1,
        user_id="U1",
        team_id="T1",
        is_added=is_added,
        reaction="eyes",
        timestamp="1.2",
        item_user_id="U2",
        event_timestamp="3.4",
    )


def test_a_reaction_to_a_message_that_no_user_wrote_is_parsed() -> None:
    event = reaction()
    del event["item_user"]
    parsed = parse_event(event, OURS)
    assert isinstance(parsed, Reaction)
    assert parsed.item_user_id == ""


@pytest.mark.parametrize("item", [{"type": "file", "file": "F1"}, {"type": "file_comment", "file": "F1"}])
def test_a_reaction_to_a_file_is_in_no_channel(item: JsonObject) -> None:
    parsed = parse_event(reaction(item=item), OURS)
    assert isinstance(parsed, Reaction)
    assert (parsed.item_type, parsed.channel_id, parsed.timestamp) == (item["type"], NO_CHANNEL, "")


@pytest.mark.parametrize(
    "fields",
    [{"user": None}, {"user": 7}, {"reaction": None}, {"item": None}, {"item": {}}, {"item": {"type": "message"}}],
)
def test_a_malformed_reaction_is_ignored(fields: JsonObject) -> None:
    assert parse_event(reaction() | fields, OURS) is None


def edit(new: JsonObject | None = None, old: JsonObject | None = None, **fields: Json) -> JsonObject:
    edited: JsonObject = {"edited": {"user": "U1", "ts": "5.6"}, "text": "hullo"}
    return message(
        subtype="message_changed",
        hidden=True,
        message=message(thread_ts="1.1") | edited | (new or {}),
        previous_message=message(thread_ts="1.1") | (old or {}),
        ts="7.8",
        event_ts="7.8",
        **fields,
    )


def deletion(old: JsonObject | None = None, **fields: Json) -> JsonObject:
    return message(
        subtype="message_deleted",
        hidden=True,
        deleted_ts="1355517523.000005",
        previous_message=message(thread_ts="1.1") | (old or {}),
        ts="7.8",
        event_ts="7.8",
        **fields,
    )


def test_an_edit_is_parsed_if_selected() -> None:
    assert parse_event(edit(), OURS) is None
    assert parse_event(edit(), OURS, EDITS) == MessageChange(
        channel_id=C1,
        user_id="U1",
        team_id="T1",
        is_deleted=False,
        timestamp="1355517523.000005",
        thread_timestamp="1.1",
        message="hullo",
        previous_message="hello",
        edited_timestamp="5.6",
        event_timestamp="7.8",
    )


def test_an_edit_of_a_bot_s_message_has_no_user() -> None:
    """Slack names the bot as the editor."""
    bots: JsonObject = {"user": None, "bot_id": "B2"}
    change = parse_event(edit(bots | {"edited": {"user": "B2", "ts": "5.6"}}, bots), OURS, EDITS)
    assert isinstance(change, MessageChange)
    assert (change.user_id, change.bot_id, change.is_from_bot) == ("", "B2", True)


DELETED = MessageChange(
    channel_id=C1,
    user_id="U1",
    team_id="T1",
    is_deleted=True,
    timestamp="1355517523.000005",
    thread_timestamp="1.1",
    previous_message="hello",
    event_timestamp="7.8",
)


def test_a_deletion_is_parsed_if_selected() -> None:
    assert parse_event(deletion(), OURS) is None
    assert parse_event(deletion(), OURS, EDITS) == DELETED


def test_a_deleted_message_with_replies_is_reported_as_deleted() -> None:
    event = edit({"subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT"})
    assert parse_event(event, OURS, EDITS) == DELETED


def test_a_deletion_without_the_old_message_has_its_timestamp() -> None:
    event = deletion()
    del event["previous_message"]
    change = parse_event(event, OURS, EDITS)
    assert isinstance(change, MessageChange)
    assert (change.timestamp, change.user_id) == ("1355517523.000005", "")


@pytest.mark.parametrize(
    "event",
    [
        edit({"edited": None}),
        edit({"text": "hello"}),
        edit({"text": "hello", "edited": {"user": "U1", "ts": "5.6"}}, {"edited": {"user": "U1", "ts": "5.6"}}),
        edit({"user": OWN}),
        edit({"user": None, "bot_id": "BFLYTE"}),
        deletion({"user": OWN}),
        deletion({"bot_id": "BFLYTE"}),
        edit({"ts": None}),
        edit(channel=None),
        message(subtype="message_changed"),
        message(subtype="message_deleted"),
        message(subtype="message_replied", message=message()),
    ],
)
def test_unfurls_own_updates_and_malformed_changes_are_ignored(event: JsonObject) -> None:
    assert parse_event(event, OURS, EDITS) is None


def selected(event: JsonObject, *types: str, **body: Json) -> list[ChatEvent]:
    selection = EventSelection(other_types=frozenset(types))
    return list(parse_callback({"type": "event_callback", "event_id": "Ev1", "event": event, **body}, OURS, selection))


def test_an_event_of_a_selected_type_is_passed_on_as_it_is() -> None:
    opened: JsonObject = {"type": "app_home_opened", "user": "U1", "channel": "D1", "tab": "home", "event_ts": "1.2"}
    assert selected(opened, "app_home_opened", team_id="T1") == [
        OtherEvent(
            channel_id=ChannelId("D1"), user_id="U1", team_id="T1", type="app_home_opened", event_id="Ev1", event=opened
        )
    ]
    assert selected(opened, "team_join") == []


@pytest.mark.parametrize(
    ("event", "channel", "user"),
    [
        ({"type": "team_join", "user": {"id": "U1", "name": "a"}}, "", "U1"),
        ({"type": "channel_created", "channel": {"id": "C1", "creator": "U1"}}, "C1", ""),
        ({"type": "file_shared", "user_id": "U1", "channel_id": "C1"}, "C1", "U1"),
        ({"type": "star_added", "user": "U1", "item": {"type": "message", "channel": "C1"}}, "C1", "U1"),
        ({"type": "emoji_changed", "channel": 7, "user": None, "item": []}, "", ""),
    ],
)
def test_another_event_has_its_channel_and_user_if_it_names_them(event: JsonObject, channel: str, user: str) -> None:
    (parsed,) = selected(event, str(event["type"]))
    assert isinstance(parsed, OtherEvent)
    assert (parsed.channel_id, parsed.user_id) == (channel, user)


def test_an_event_that_the_pack_uses_itself_is_passed_on_too() -> None:
    joined: JsonObject = {"type": "member_joined_channel", "user": OWN, "channel": "C1"}
    kinds = [type(event) for event in selected(joined, "member_joined_channel")]
    assert kinds == [MembershipGained, OtherEvent]


def test_tokens_are_not_passed_on() -> None:
    inner: JsonObject = {"bot_access_token": "xwfp-1", "inputs": [{"token": "t", "title": "x"}]}
    (parsed,) = selected({"type": "function_executed", "token": "t", **inner}, "function_executed")
    assert isinstance(parsed, OtherEvent)
    assert parsed.event == {"type": "function_executed", "inputs": [{"title": "x"}]}


def test_of_an_event_that_is_too_large_the_type_is_passed_on() -> None:
    (parsed,) = selected({"type": "team_join", "user": "U1", "name": "é" * 131_072}, "team_join")
    assert isinstance(parsed, OtherEvent)
    assert (parsed.user_id, parsed.event) == ("U1", {"type": "team_join", "truncated": True})


@pytest.mark.parametrize("body", [{"event_id": None}, {"event_id": 7}])
def test_another_event_without_an_id_is_ignored(body: JsonObject) -> None:
    assert selected({"type": "team_join"}, "team_join", **body) == []


def test_another_event_with_a_number_that_json_does_not_have_is_ignored() -> None:
    assert selected({"type": "team_join", "when": float("nan")}, "team_join") == []


@given(st.dictionaries(st.sampled_from(["message", "previous_message", "deleted_ts", "channel", "ts"]), json_values))
def test_no_change_raises(fields: JsonObject) -> None:
    for subtype in ("message_changed", "message_deleted"):
        parse_event({**edit(), **fields, "subtype": subtype}, OURS, EDITS)


@given(st.dictionaries(st.sampled_from(["user", "channel", "item", "reaction", "x"]), json_values))
def test_no_selected_event_raises(fields: JsonObject) -> None:
    selected({**fields, "type": "team_join"}, "team_join")
    parse_event({**fields, "type": "reaction_added"}, OURS)
