from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.events import EventSelection, parse_callback, parse_event
from application.ports.receiver import (
    AccessLost,
    ChannelIdChanged,
    ChatEvent,
    MembershipGained,
    MembershipLost,
    OtherWorkspaceEvent,
)
from domain.channels import NO_CHANNEL, ChannelId
from domain.interactions import MessageChange, OtherEvent, Reaction
from domain.json_values import Json, JsonObject
from domain.messages import IncomingMessage
from domain.users import Identity
from entrypoints.testing.strategies import json_values

OWN = "UFLYTE"
OURS = Identity(OWN, "BFLYTE", "T1")
C1 = ChannelId("C1")


def message(**fields: Json) -> JsonObject:
    return {"type": "message", "channel": "C1", "user": "U1", "text": "hello", "ts": "1355517523.000005", **fields}


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
        ({"type": "channel_unarchive", "channel": "C1"}, None),
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


def reaction(kind: str = "reaction_added", **fields: Json) -> JsonObject:
    item: JsonObject = {"type": "message", "channel": "C1", "ts": "1.2"}
    who: JsonObject = {"user": "U1", "item_user": "U2"}
    return {"type": kind, **who, "reaction": "eyes", "item": item, "event_ts": "3.4", **fields}


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


EDITS = EventSelection(edits=True)


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
