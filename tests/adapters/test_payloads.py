"""The documented payloads of events, and commands from valid and invalid input."""

import json
from dataclasses import replace
from typing import Any, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.serialization.json_codec import write_json
from adapters.serialization.payloads import command_input, event_payload, parse_command
from domain.channels import ChannelId
from domain.commands import (
    Broadcast,
    Command,
    JoinChannel,
    LeaveChannel,
    SendMessage,
    SendRichMessage,
    UnknownCommand,
    UnreadableCommand,
    command_name,
)
from domain.events import (
    BroadcastFailed,
    BroadcastSent,
    ChannelFailure,
    ChannelJoined,
    ChannelLeft,
    CommandOutcome,
    Event,
    Fatal,
    JoinChannelFailed,
    LeaveChannelFailed,
    MessageSent,
    Outcome,
    ReceivedEvent,
    ReceivedMessage,
    RichMessageSent,
    SendMessageFailed,
    SendRichMessageFailed,
)
from domain.interactions import Activity, BlockAction, Reaction
from domain.json_values import Json, JsonObject
from domain.messages import IncomingMessage, OutgoingMessage, Receipt, RichMessage
from domain.users import User
from entrypoints.testing.strategies import events, json_values, messages, texts

C1 = ChannelId("C1")
C2 = ChannelId("C2")
MESSAGE = OutgoingMessage(C1, "hello", "1.1")
RECEIPT = Receipt(C1, "2.2")
DOUBTFUL = Receipt(C1, "2.2", in_doubt=True)
COMMAND_NAMES = ("SendMessage", "SendRichMessage", "Broadcast", "JoinChannel", "LeaveChannel")
CLICK = BlockAction(channel_id=C1, user_id="U1", action_id="a", action_type="button")

TABLE: list[tuple[Event, Json]] = [
    (
        MessageSent(MESSAGE, RECEIPT),
        {"message": "hello", "channelId": "C1", "threadTimestamp": "1.1", "timestamp": "2.2"},
    ),
    (
        MessageSent(MESSAGE, DOUBTFUL),
        {"message": "hello", "channelId": "C1", "threadTimestamp": "1.1", "timestamp": "2.2", "inDoubt": True},
    ),
    (
        SendMessageFailed(OutgoingMessage(ChannelId(""), ""), "missing message field, missing channel id field"),
        {
            "message": "",
            "channelId": "",
            "threadTimestamp": "",
            "error": "missing message field, missing channel id field",
        },
    ),
    (
        RichMessageSent({"channel": "#general", "text": "hi", "new": [1, None]}, RECEIPT),
        {
            "channel": "#general",
            "text": "hi",
            "new": [1, None],
            "channelId": "C1",
            "threadTimestamp": "2.2",
            "timestamp": "2.2",
        },
    ),
    (
        RichMessageSent({"channel": "C1", "text": "hi"}, DOUBTFUL),
        {
            "channel": "C1",
            "text": "hi",
            "channelId": "C1",
            "threadTimestamp": "2.2",
            "timestamp": "2.2",
            "inDoubt": True,
        },
    ),
    (
        SendRichMessageFailed({"text": "hi"}, "missing channel field"),
        {"inputMessage": {"text": "hi"}, "error": "missing channel field"},
    ),
    (BroadcastSent("hello", (C1, C2)), {"message": "hello", "channelIds": ["C1", "C2"]}),
    (BroadcastSent("hello", ()), {"message": "hello", "channelIds": []}),
    (BroadcastSent("hello", (C1,), in_doubt=True), {"message": "hello", "channelIds": ["C1"], "inDoubt": True}),
    (
        BroadcastFailed("hello", "C2: is_archived", (C1,), (ChannelFailure(C2, "is_archived: it is archived"),)),
        {
            "message": "hello",
            "error": "C2: is_archived",
            "channelIds": ["C1"],
            "failures": [{"channelId": "C2", "error": "is_archived: it is archived"}],
        },
    ),
    (
        BroadcastFailed("", "missing message field"),
        {"message": "", "error": "missing message field", "channelIds": [], "failures": []},
    ),
    (ChannelJoined(C1), {"channelId": "C1"}),
    (JoinChannelFailed(C1, "no"), {"channelId": "C1", "error": "no"}),
    (ChannelLeft(C1), {"channelId": "C1"}),
    (LeaveChannelFailed(C1, "no"), {"channelId": "C1", "error": "no"}),
    (CommandOutcome("HomePublished", {"userId": "U1"}), {"userId": "U1"}),
    (Fatal("internal error (1)"), "internal error (1)"),
    (
        ReceivedMessage(
            IncomingMessage(ChannelId("C024BE91L"), "1355517523.000005", "hello", user_id="U023BECGF"),
            User("U023BECGF", "display name"),
        ),
        {
            "channelId": "C024BE91L",
            "user": {
                "id": "U023BECGF",
                "name": "display name",
                "email": "",
                "title": "",
                "firstName": "",
                "lastName": "",
                "timestamp": "1355517523.000005",
                "threadTimestamp": "1355517523.000005",
                "handle": "",
                "isBot": False,
            },
            "message": "hello",
            "timestamp": "1355517523.000005",
            "threadTimestamp": "1355517523.000005",
            "replyCount": 0,
            "replies": [],
            "channelType": "",
            "files": [],
            "mentioned": False,
            "teamId": "",
            "threadKey": "",
        },
    ),
    (
        ReceivedMessage(
            IncomingMessage(
                C1,
                "3.3",
                "hello",
                user_id="U1",
                thread_timestamp="1.1",
                reply_count=2,
                replies=({"ts": "2.2"},),
                channel_type="group",
                files=({"id": "F1"},),
                is_mention=True,
                team_id="T1",
            ),
            User("U1", "n", "e@example.com", "t", "f", "l", handle="h"),
            "deployment-7",
        ),
        {
            "channelId": "C1",
            "user": {
                "id": "U1",
                "name": "n",
                "email": "e@example.com",
                "title": "t",
                "firstName": "f",
                "lastName": "l",
                "timestamp": "3.3",
                "threadTimestamp": "1.1",
                "handle": "h",
                "isBot": False,
            },
            "message": "hello",
            "timestamp": "3.3",
            "threadTimestamp": "1.1",
            "replyCount": 2,
            "replies": [{"ts": "2.2"}],
            "channelType": "group",
            "files": [{"id": "F1"}],
            "mentioned": True,
            "teamId": "T1",
            "threadKey": "deployment-7",
        },
    ),
]


@pytest.mark.parametrize(("event", "payload"), TABLE)
def test_an_event_has_the_documented_payload(event: Event, payload: Json) -> None:
    assert event_payload(event) == payload


@pytest.mark.parametrize(
    ("event", "thread"),
    [
        (Reaction(channel_id=C1, user_id="U1", reaction="ok", timestamp="1.1", event_timestamp="2.1"), "1.1"),
        (replace(CLICK, timestamp="1.1"), "1.1"),
        (replace(CLICK, timestamp="1.2", thread_timestamp="1.1"), "1.1"),
        (replace(CLICK, timestamp="1.1", is_ephemeral=True), ""),
        (CLICK, ""),
    ],
    ids=["a reaction", "a message", "a reply", "an ephemeral message", "a view"],
)
def test_a_message_outside_a_thread_starts_its_own(event: Activity, thread: str) -> None:
    payload = cast("JsonObject", event_payload(ReceivedEvent(event, User("U1"))))
    assert payload["threadTimestamp"] == thread
    assert cast("JsonObject", payload["user"])["threadTimestamp"] == thread


@pytest.mark.parametrize("kind", [*get_args(Outcome), ReceivedMessage])
def test_every_kind_of_event_is_in_the_table(kind: type[Event]) -> None:
    assert any(isinstance(event, kind) for event, _ in TABLE)


@given(events)
def test_every_event_can_be_written_as_json(event: Event) -> None:
    assert json.loads(write_json(event_payload(event))) == event_payload(event)


def test_the_packs_keys_replace_those_of_a_rich_message() -> None:
    fields: dict[str, Json] = {"channelId": "mine", "timestamp": 1, "threadTimestamp": None, "inDoubt": "x"}
    assert event_payload(RichMessageSent(fields, RECEIPT)) == {
        "channelId": "C1",
        "timestamp": "2.2",
        "threadTimestamp": "2.2",
        "inDoubt": "x",
    }
    assert fields["channelId"] == "mine"


@pytest.mark.parametrize(
    ("name", "given", "command"),
    [
        ("SendMessage", {"message": "hello", "channelId": "C1", "threadTimestamp": "1.1"}, SendMessage(MESSAGE)),
        ("SendMessage", {"message": "hello", "channelId": "C1"}, SendMessage(OutgoingMessage(C1, "hello"))),
        (
            "SendMessage",
            {"message": None, "channelId": None, "threadTimestamp": None, "other": 1},
            SendMessage(OutgoingMessage(ChannelId(""), "")),
        ),
        ("SendMessage", {}, SendMessage(OutgoingMessage(ChannelId(""), ""))),
        ("SendMessage", None, SendMessage(OutgoingMessage(ChannelId(""), ""))),
        (
            "SendRichMessage",
            {"channel": "C1", "new": {"a": [1]}},
            SendRichMessage(RichMessage({"channel": "C1", "new": {"a": [1]}})),
        ),
        (
            "SendRichMessage",
            {"text": None, "blocks": "[]"},
            SendRichMessage(RichMessage({"text": None, "blocks": "[]"})),
        ),
        (
            "SendRichMessage",
            {"blocks": "", "attachments": []},
            SendRichMessage(RichMessage({"blocks": "", "attachments": []})),
        ),
        ("SendRichMessage", {"token": "x"}, SendRichMessage(RichMessage({"token": "x"}))),
        ("Broadcast", {"message": "hello", "channelId": 7}, Broadcast("hello")),
        ("Broadcast", {}, Broadcast("")),
        ("JoinChannel", {"channelId": "C1"}, JoinChannel(C1)),
        ("JoinChannel", {"channelId": None}, JoinChannel(ChannelId(""))),
        ("LeaveChannel", {"channelId": "C1"}, LeaveChannel(C1)),
        ("LeaveChannel", {}, LeaveChannel(ChannelId(""))),
        ("Shout", {"message": "hello"}, UnknownCommand("Shout")),
        ("Shout", [], UnknownCommand("Shout")),
        ("sendmessage", {}, UnknownCommand("sendmessage")),
        ("", {}, UnknownCommand("")),
        ("x" * 100_000, {}, UnknownCommand("x" * 1000)),
        ("\ud800", {}, UnknownCommand("�")),
    ],
)
def test_a_command_is_parsed_from_its_input(name: str, given: Json, command: Command) -> None:
    assert parse_command(name, given) == command


@pytest.mark.parametrize("name", COMMAND_NAMES)
@pytest.mark.parametrize(
    ("given", "kind"),
    [(True, "a boolean"), (1, "a number"), (1.5, "a number"), ("{}", "a string"), ([{}], "a list")],
)
def test_input_other_than_an_object_is_unreadable(name: str, given: Json, kind: str) -> None:
    assert parse_command(name, given) == UnreadableCommand(name, f"input must be a JSON object, not {kind}")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("SendMessage", "message"),
        ("SendMessage", "channelId"),
        ("SendMessage", "threadTimestamp"),
        ("SendRichMessage", "channel"),
        ("SendRichMessage", "text"),
        ("SendRichMessage", "markdown_text"),
        ("SendRichMessage", "thread_ts"),
        ("Broadcast", "message"),
        ("JoinChannel", "channelId"),
        ("LeaveChannel", "channelId"),
    ],
)
@pytest.mark.parametrize(
    ("value", "kind"), [(False, "a boolean"), (0, "a number"), (0.5, "a number"), ([], "a list"), ({}, "an object")]
)
def test_a_named_field_of_the_wrong_type_makes_the_input_unreadable(
    name: str, field: str, value: Json, kind: str
) -> None:
    reason = f"{field} must be a string, not {kind}"
    assert parse_command(name, {field: value}) == UnreadableCommand(name, reason)


LIST_RULE = "must be a list, or a string with a JSON list"


@pytest.mark.parametrize("field", ["attachments", "blocks"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({}, f"{LIST_RULE}, not an object"),
        (1, f"{LIST_RULE}, not a number"),
        ("secret", f"{LIST_RULE}; it is not JSON"),
        ("[1", f"{LIST_RULE}; it is not JSON"),
        (" ", f"{LIST_RULE}; it is not JSON"),
        ("{}", f"{LIST_RULE}; it contains an object"),
        ("null", f"{LIST_RULE}; it contains null"),
        ("[" * 101 + "]" * 101, "is nested deeper than 100 levels"),
        ("[" * 100_000 + "]" * 100_000, "is nested deeper than 100 levels"),
    ],
)
def test_attachments_and_blocks_must_be_lists_or_strings_with_lists(field: str, value: Json, reason: str) -> None:
    given: Json = {"channel": "C1", field: value}
    assert parse_command("SendRichMessage", given) == UnreadableCommand("SendRichMessage", f"{field} {reason}")


def _nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_input_of_a_hundred_levels_is_accepted() -> None:
    given = {"channel": "C1", "text": "hi", "new": _nested(99)}
    assert parse_command("SendRichMessage", given) == SendRichMessage(RichMessage(given))


@pytest.mark.parametrize("name", COMMAND_NAMES)
@pytest.mark.parametrize("levels", [100, 100_000])
def test_input_of_more_than_a_hundred_levels_is_unreadable(name: str, levels: int) -> None:
    reason = "input is nested deeper than 100 levels"
    assert parse_command(name, {"new": _nested(levels)}) == UnreadableCommand(name, reason)


def test_input_of_one_mebibyte_is_accepted_and_one_byte_more_is_not() -> None:
    room = 1024 * 1024 - len('{"message":""}')
    assert parse_command("Broadcast", {"message": "a" * room}) == Broadcast("a" * room)
    too_large = parse_command("Broadcast", {"message": "a" * (room + 1)})
    assert too_large == UnreadableCommand("Broadcast", "input is larger than 1 MiB")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_without_a_json_form_makes_the_input_unreadable(number: float) -> None:
    reason = "input contains a number that has no JSON form"
    assert parse_command("SendRichMessage", {"x": [number]}) == UnreadableCommand("SendRichMessage", reason)


def test_lone_surrogates_are_replaced_in_strings_and_keys() -> None:
    assert parse_command("Broadcast", {"message": "a\ud800b"}) == Broadcast("a�b")
    rich = parse_command("SendRichMessage", {"x\udc00": [{"y": "\ud83d\ude00\ud800"}]})
    assert rich == SendRichMessage(RichMessage({"x�": [{"y": "😀�"}]}))


@given(st.sampled_from(COMMAND_NAMES) | texts, json_values)
def test_any_input_becomes_a_command_of_that_name(name: str, given: Json) -> None:
    assert command_name(parse_command(name, given)) == name


@given(
    st.one_of(
        st.builds(SendMessage, messages),
        st.builds(Broadcast, texts),
        st.builds(JoinChannel, texts.map(ChannelId)),
        st.builds(LeaveChannel, texts.map(ChannelId)),
        st.builds(lambda text, new: SendRichMessage(RichMessage({"text": text, "new": new})), texts, json_values),
    )
)
def test_a_readable_command_is_parsed_from_its_own_input(command: Command) -> None:
    assert parse_command(command_name(command), command_input(command)) == command


@pytest.mark.parametrize("command", [UnknownCommand("Shout"), UnreadableCommand("SendMessage", "why")])
def test_an_unreadable_command_has_no_input(command: Command) -> None:
    assert command_input(command) is None
