from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.events import parse_callback, parse_event
from application.ports.receiver import (
    AccessLost,
    ChannelIdChanged,
    ChatEvent,
    MembershipGained,
    MembershipLost,
)
from domain.channels import ChannelId
from domain.interactions import Reaction
from domain.json_values import Json, JsonObject
from domain.messages import IncomingMessage
from entrypoints.testing.strategies import json_values
from tests.support.slack_events import C1, OURS, OWN, message, reaction


def test_a_message_event_becomes_an_incoming_message() -> None:
    event = message(channel_type="channel", team="T1", blocks=[], client_msg_id="x", event_ts="1355517523.000005")
    assert parse_event(event, OURS) == IncomingMessage(
        C1, "1355517523.000005", "hello", "U1", channel_type="channel", team_id="T1"
    )


@pytest.mark.parametrize("subtype", [None, "", "bot_message", "thread_broadcast", "file_share", "me_message"])
def test_new_messages_are_parsed(subtype: str | None) -> None:
    assert isinstance(parse_event(message(subtype=subtype), OURS), IncomingMessage)


@pytest.mark.parametrize(
    "subtype",
    [
        "message_changed",
        "message_deleted",
        "message_replied",
        "channel_join",
        "channel_topic",
        "group_leave",
        "pinned_item",
        "ekm_access_denied",
        "tombstone",
        "of_tomorrow",
    ],
)
def test_changes_are_ignored(subtype: str) -> None:
    assert parse_event(message(subtype=subtype), OURS) is None


def test_a_mention_has_the_key_of_its_message() -> None:
    mention = message(text="<@UFLYTE> hello") | {"type": "app_mention"}
    expected, mentioned = parse_event(message(text="<@UFLYTE> hello"), OURS), parse_event(mention, OURS)
    assert isinstance(expected, IncomingMessage)
    assert isinstance(mentioned, IncomingMessage)
    assert mentioned.key == expected.key


@pytest.mark.parametrize("kind", ["app_mention", "message"])
def test_an_event_about_an_edited_message_is_ignored(kind: str) -> None:
    edited = message(edited={"user": "U1", "ts": "1355863123.000000"}) | {"type": kind}
    assert parse_event(edited, OURS) is None


@pytest.mark.parametrize(
    "event",
    [
        {"message": {"user": "U1", "text": "hello", "reply_count": 1}, "ts": "1355517524.000006"},
        {"message": {"user": "U1", "text": "hello"}, "thread_ts": "1355517523.000005", "ts": "1355517524.000006"},
        {"hidden": True, "text": "hello", "user": "U1", "ts": "1355517524.000006"},
        {"previous_message": {"text": "hello"}, "text": "hullo", "ts": "1355517524.000006"},
        {"deleted_ts": "1355517523.000005", "ts": "1355517524.000006"},
    ],
)
def test_a_change_without_its_subtype_is_ignored(event: JsonObject) -> None:
    assert parse_event({"type": "message", "channel": "C1", "channel_type": "channel", **event}, OURS) is None


@pytest.mark.parametrize("kind", ["app_mention", "message"])
@pytest.mark.parametrize("fields", [{}, {"user": "U1"}, {"thread_ts": "1.2"}, {"user": "U1", "text": "", "blocks": []}])
def test_an_event_without_content_is_ignored(kind: str, fields: JsonObject) -> None:
    assert parse_event({"type": kind, "channel": "C1", "ts": "1355517523.000005", **fields}, OURS) is None


@pytest.mark.parametrize("field", ["files", "attachments", "blocks"])
def test_a_message_without_text_but_with_other_content_is_parsed(field: str) -> None:
    said = parse_event(message(text="") | {field: [{"id": "1"}]}, OURS)
    assert isinstance(said, IncomingMessage)
    assert (said.user_id, said.text) == ("U1", "")


def test_a_bots_message_names_its_bot() -> None:
    event = message(subtype="bot_message", bot_id="B1", username="pager", user=None)
    expected = IncomingMessage(C1, "1355517523.000005", "hello", "", "B1", "pager", is_automated=True, team_id="T1")
    assert parse_event(event, OURS) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "USLACKBOT"},
        {"user": None, "bot_id": "B1"},
        {"user": None},
        {"subtype": "bot_message"},
        {"subtype": "bot_message", "user": None},
        {"subtype": "bot_message", "bot_id": "B1"},
        {"app_id": "A1"},
        {"bot_profile": {"id": "B1", "app_id": "A1", "name": "Pager"}},
        {"bot_profile": {"name": "Pager"}, "app_id": "A1", "user": None},
    ],
)
def test_a_message_that_only_a_program_can_have_written_is_from_a_bot(fields: JsonObject) -> None:
    said = parse_event(message(**fields), OURS)
    assert isinstance(said, IncomingMessage)
    assert said.is_from_bot


@pytest.mark.parametrize("more", [{}, {"app_id": "A1", "bot_profile": {"id": "B1", "name": "Pager"}}])
def test_a_user_and_a_bot_id_do_not_tell_who_wrote_a_message(more: JsonObject) -> None:
    said = parse_event(message(bot_id="B1", **more), OURS)
    assert isinstance(said, IncomingMessage)
    assert (said.is_from_bot, said.may_be_from_bot) == (False, True)


def test_a_message_of_a_person_is_certainly_not_from_a_bot() -> None:
    said = parse_event(message(client_msg_id="x"), OURS)
    assert isinstance(said, IncomingMessage)
    assert not said.is_from_bot
    assert not said.may_be_from_bot


@pytest.mark.parametrize(("fields", "bot_id"), [({"bot_profile": {"id": "B1"}}, "B1"), ({"app_id": "A1"}, "A1")])
def test_a_bots_message_without_bot_id_is_known_by_its_app(fields: JsonObject, bot_id: str) -> None:
    said = parse_event(message(**fields), OURS)
    assert isinstance(said, IncomingMessage)
    assert said.bot_id == bot_id


def test_a_bots_message_without_a_name_uses_the_profiles_name() -> None:
    said = parse_event(message(bot_id="B1", bot_profile={"name": "Pager"}), OURS)
    assert isinstance(said, IncomingMessage)
    assert (said.user_id, said.bot_name) == ("U1", "Pager")


@pytest.mark.parametrize("replies", [[float("inf")], [{"user": "U2", "ts": float("nan")}]])
def test_replies_with_a_number_that_json_does_not_have_are_left_out(replies: Json) -> None:
    said = parse_event(message(replies=replies), OURS)
    assert isinstance(said, IncomingMessage)
    assert said.replies == ()


def test_a_thread_message_has_its_thread_and_replies() -> None:
    said = parse_event(message(thread_ts="1.2", reply_count=2, replies=[{"user": "U2", "ts": "1.3"}]), OURS)
    assert isinstance(said, IncomingMessage)
    assert (said.thread_timestamp, said.reply_count) == ("1.2", 2)
    assert said.replies == ({"user": "U2", "ts": "1.3"},)


@pytest.mark.parametrize(
    ("fields", "is_direct"),
    [
        ({"channel_type": "im", "channel": "D1"}, True),
        ({"channel_type": "mpim", "channel": "G1"}, True),
        ({"channel_type": "group", "channel": "G1"}, False),
        ({"channel_type": "channel"}, False),
        ({"channel": "D1"}, True),
        ({"channel_type": "app_home", "channel": "D1"}, True),
        ({}, False),
    ],
)
def test_direct_messages_are_recognized_by_channel_type_or_id(fields: JsonObject, is_direct: bool) -> None:
    said = parse_event(message(**fields), OURS)
    assert isinstance(said, IncomingMessage)
    assert said.is_direct == is_direct


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "member_joined_channel", "user": OWN, "channel": "C1"}, MembershipGained(C1)),
        ({"type": "member_joined_channel", "user": "U1", "channel": "C1"}, None),
        ({"type": "member_left_channel", "user": OWN, "channel": "C1"}, MembershipLost(C1)),
        ({"type": "member_left_channel", "user": "U1", "channel": "C1"}, None),
        ({"type": "channel_joined", "channel": {"id": "C1", "name": "ops"}}, MembershipGained(C1)),
        ({"type": "group_joined", "channel": {"id": "C1"}}, MembershipGained(C1)),
        ({"type": "channel_left", "channel": "C1"}, MembershipLost(C1)),
        ({"type": "group_left", "channel": "C1"}, MembershipLost(C1)),
        ({"type": "channel_archive", "channel": "C1", "user": "U1"}, MembershipLost(C1)),
        ({"type": "group_archive", "channel": "C1"}, MembershipLost(C1)),
        ({"type": "channel_deleted", "channel": "C1"}, MembershipLost(C1)),
        ({"type": "group_deleted", "channel": "C1"}, MembershipLost(C1)),
        ({"type": "channel_unarchive", "channel": "C1", "user": "U1"}, MembershipGained(C1)),
        ({"type": "group_unarchive", "channel": "C1"}, MembershipGained(C1)),
        ({"type": "tokens_revoked", "tokens": {"bot": [OWN]}}, AccessLost("tokens_revoked")),
        ({"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}}, None),
        ({"type": "tokens_revoked"}, None),
        ({"type": "app_uninstalled"}, AccessLost("app_uninstalled")),
    ],
)
def test_events_about_the_bot_are_parsed(event: JsonObject, expected: ChatEvent | None) -> None:
    assert parse_event(event, OURS) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"old_channel_id": "C1", "new_channel_id": "C2", "event_ts": "1.2"}, ChannelIdChanged(C1, ChannelId("C2"))),
        ({"old_channel_id": "C1"}, None),
        ({"old_channel_id": "", "new_channel_id": "C2"}, None),
    ],
)
def test_a_new_id_of_a_channel_is_parsed(event: JsonObject, expected: ChatEvent | None) -> None:
    assert parse_event({"type": "channel_id_changed", **event}, OURS) == expected


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "message",
        {},
        {"type": None},
        {"type": {"message": 1}},
        {"type": "message"},
        message(channel=None),
        message(channel=""),
        message(channel={"id": "C1"}),
        message(ts=None),
        message(ts=1355517523.5),
        message(ts=""),
        {"type": "channel_left"},
        {"type": "channel_joined", "channel": {"id": 7}},
    ],
)
def test_malformed_events_are_ignored(event: Json) -> None:
    assert parse_event(event, OURS) is None


def test_malformed_optional_fields_become_empty() -> None:
    event = message(user=7, bot_id=[], thread_ts={}, bot_profile="x", reply_count=True, replies="y")
    assert parse_event(event, OURS) == IncomingMessage(C1, "1355517523.000005", "hello", team_id="T1")


@pytest.mark.parametrize("kind", ["im", "app_home", None])
def test_a_message_to_the_bot_is_of_the_channel_type_im_wherever_it_was_written(kind: str | None) -> None:
    said = parse_event(message(channel="D1", channel_type=kind), OURS)
    assert isinstance(said, IncomingMessage)
    assert said.channel_type == "im"


@given(json_values)
def test_no_value_raises(value: Json) -> None:
    parse_event(value, OURS)
    parse_callback(value, OURS)
    parse_callback({"type": "event_callback", "event": value}, OURS)
    parse_callback({"type": "event_callback", "event": message(), "team_id": value, "authorizations": value}, OURS)
    parse_callback({"type": "event_callback", "event": message(), "authorizations": [value]}, OURS)


@given(st.dictionaries(st.sampled_from(list(message())), json_values))
def test_no_message_raises(fields: JsonObject) -> None:
    parse_event({**fields, "type": "message"}, OURS)


@pytest.mark.parametrize("kind", ["channel_left", "group_left", "channel_archive", "channel_joined"])
def test_membership_events_have_a_time(kind: str) -> None:
    expected = parse_event({"type": kind, "channel": "C1", "event_ts": "1355517523.000005"}, OURS)
    assert isinstance(expected, MembershipGained | MembershipLost)
    assert expected.happened_at == datetime(2012, 12, 14, 20, 38, 43, 5, tzinfo=UTC)


@pytest.mark.parametrize("event_ts", [None, "", "soon", 17])
def test_membership_events_without_a_valid_time_have_none(event_ts: Json) -> None:
    expected = parse_event({"type": "channel_left", "channel": "C1", "event_ts": event_ts}, OURS)
    assert isinstance(expected, MembershipLost)
    assert expected.happened_at is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"text": "ask <@UFLYTE>"}, True),
        ({"text": "<@UFLYTE|flyte> deploy"}, True),
        ({"text": "<@UFLYTE2> deploy"}, False),
        ({"text": "UFLYTE, @flyte"}, False),
        ({"text": "hello"}, False),
    ],
)
def test_a_mention_of_the_bot_is_recognized_in_the_text(fields: JsonObject, expected: bool) -> None:
    said = parse_event(message(**fields), OURS)
    assert isinstance(said, IncomingMessage)
    assert said.is_mention == expected


@pytest.mark.parametrize("kind", ["channel", "group", "im", "mpim"])
def test_a_message_has_the_type_of_its_channel(kind: str) -> None:
    said = parse_event(message(channel_type=kind), OURS)
    assert isinstance(said, IncomingMessage)
    assert said.channel_type == kind


def test_the_type_of_a_direct_message_is_known_by_the_channels_id() -> None:
    said = parse_event(message(channel="D1"), OURS)
    assert isinstance(said, IncomingMessage)
    assert said.channel_type == "im"


def test_a_message_lists_its_files() -> None:
    file: JsonObject = {
        "id": "F1",
        "name": "log.txt",
        "title": "Log",
        "mimetype": "text/plain",
        "size": 12,
        "url_private": "https://files.slack.com/F1",
        "permalink": "https://example.slack.com/files/F1",
        "mode": "hosted",
    }
    said = parse_event(message(subtype="file_share", files=[file, "x", {"id": 7, "size": "big"}]), OURS)
    assert isinstance(said, IncomingMessage)
    nothing = {"id": "", "name": "", "title": "", "mimetype": "", "size": 0, "url": "", "permalink": ""}
    urls = {"url": file["url_private"], "permalink": file["permalink"]}
    known = {name: file[name] for name in ("id", "name", "title", "mimetype", "size")}
    assert said.files == (known | urls, nothing)


@pytest.mark.parametrize(
    ("fields", "team"),
    [({"team_id": "T1"}, "T1"), ({}, "T1"), ({"team_id": "T7", "is_ext_shared_channel": True}, "T7")],
)
def test_events_name_their_workspace(fields: JsonObject, team: str) -> None:
    for event in (message(), reaction()):
        (parsed,) = parse_callback({"type": "event_callback", "event": event, **fields}, OURS)
        assert isinstance(parsed, IncomingMessage | Reaction)
        assert parsed.team_id == team
