"""The documented payloads of events."""

import json
from dataclasses import replace
from typing import cast, get_args

import pytest
from hypothesis import given

from adapters.serialization.event_payloads import event_payload
from adapters.serialization.json_codec import write_json
from domain.channels import ChannelId
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
from domain.messages import IncomingMessage, OutgoingMessage, Receipt
from domain.users import User
from entrypoints.testing.strategies import events

C1 = ChannelId("C1")
C2 = ChannelId("C2")
MESSAGE = OutgoingMessage(C1, "hello", "1.1")
RECEIPT = Receipt(C1, "2.2")
DOUBTFUL = Receipt(C1, "2.2", in_doubt=True)
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
