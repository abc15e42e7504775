"""Commands and outcomes survive a round trip through their JSON form, and so do those of earlier versions."""

import json
from typing import get_args

import pytest
from hypothesis import given

from adapters.serialization import records
from adapters.sql.codec import dump_action_command, dump_outcome, load_action_command, load_outcome
from domain.channels import ChannelId
from domain.commands import (
    Broadcast,
    ChatCommand,
    Command,
    JoinChannel,
    LeaveChannel,
    SendMessage,
    SendRichMessage,
    UnknownCommand,
    UnreadableCommand,
)
from domain.events import (
    BroadcastFailed,
    BroadcastSent,
    ChannelFailure,
    ChannelJoined,
    ChannelLeft,
    CommandOutcome,
    Fatal,
    JoinChannelFailed,
    LeaveChannelFailed,
    MessageSent,
    Outcome,
    RichMessageSent,
    SendMessageFailed,
    SendRichMessageFailed,
)
from domain.json_values import JsonObject
from domain.messages import OutgoingMessage, Receipt, RichMessage
from entrypoints.testing.strategies import commands, outcomes

C1 = ChannelId("C1")
MESSAGE = OutgoingMessage(C1, "hello", "1.2")
RECEIPT = Receipt(C1, "3.4", in_doubt=True)
FIELDS: JsonObject = {"channel": "C1", "text": "é", "blocks": [{"type": "divider"}], "n": None}

MESSAGE_ROW = '{"channel_id":"C1","text":"hello","thread_timestamp":"1.2"}'
RECEIPT_ROW = '{"channel_id":"C1","timestamp":"3.4","in_doubt":true}'
FIELDS_ROW = r'{"channel":"C1","text":"\u00e9","blocks":[{"type":"divider"}],"n":null}'

COMMAND_ROWS: list[tuple[Command, str]] = [
    (SendMessage(MESSAGE), '{"type":"SendMessage","message":' + MESSAGE_ROW + "}"),
    (SendRichMessage(RichMessage(FIELDS)), '{"type":"SendRichMessage","message":{"fields":' + FIELDS_ROW + "}}"),
    (Broadcast("hello"), '{"type":"Broadcast","message":"hello"}'),
    (JoinChannel(C1), '{"type":"JoinChannel","channel_id":"C1"}'),
    (LeaveChannel(C1), '{"type":"LeaveChannel","channel_id":"C1"}'),
    (ChatCommand("GetUserInfo", {"email": ""}), '{"type":"ChatCommand","name":"GetUserInfo","input":{"email":""}}'),
    (UnreadableCommand("Broadcast", "bad"), '{"type":"UnreadableCommand","name":"Broadcast","reason":"bad"}'),
    (UnknownCommand("Shout"), '{"type":"UnknownCommand","name":"Shout"}'),
]
OUTCOME_ROWS: list[tuple[Outcome, str]] = [
    (MessageSent(MESSAGE, RECEIPT), f'{{"type":"MessageSent","message":{MESSAGE_ROW},"receipt":{RECEIPT_ROW}}}'),
    (SendMessageFailed(MESSAGE, "no"), f'{{"type":"SendMessageFailed","message":{MESSAGE_ROW},"error":"no"}}'),
    (RichMessageSent(FIELDS, RECEIPT), f'{{"type":"RichMessageSent","fields":{FIELDS_ROW},"receipt":{RECEIPT_ROW}}}'),
    (SendRichMessageFailed(FIELDS, "no"), f'{{"type":"SendRichMessageFailed","fields":{FIELDS_ROW},"error":"no"}}'),
    (
        BroadcastSent("hello", (C1,), in_doubt=True),
        '{"type":"BroadcastSent","message":"hello","channel_ids":["C1"],"in_doubt":true}',
    ),
    (
        BroadcastFailed("hello", "no", (C1,), (ChannelFailure(ChannelId("C2"), "gone"),)),
        (
            '{"type":"BroadcastFailed","message":"hello","error":"no","channel_ids":["C1"],'
            '"failures":[{"channel_id":"C2","error":"gone"}]}'
        ),
    ),
    (ChannelJoined(C1), '{"type":"ChannelJoined","channel_id":"C1"}'),
    (JoinChannelFailed(C1, "no"), '{"type":"JoinChannelFailed","channel_id":"C1","error":"no"}'),
    (ChannelLeft(C1), '{"type":"ChannelLeft","channel_id":"C1"}'),
    (LeaveChannelFailed(C1, "no"), '{"type":"LeaveChannelFailed","channel_id":"C1","error":"no"}'),
    (CommandOutcome("Responded", {"n": 1}), '{"type":"CommandOutcome","name":"Responded","payload":{"n":1}}'),
    (Fatal("bad"), '{"type":"Fatal","reason":"bad"}'),
]
"""Rows of a state directory as the first version wrote them."""


@pytest.mark.parametrize(("command", "row"), COMMAND_ROWS)
def test_a_stored_command_is_read_as_ever(command: Command, row: str) -> None:
    assert load_action_command(dump_action_command(command)) == command
    assert load_action_command(row) == command


@pytest.mark.parametrize(("outcome", "row"), OUTCOME_ROWS)
def test_a_stored_outcome_is_read_as_ever(outcome: Outcome, row: str) -> None:
    assert load_outcome(dump_outcome(outcome)) == outcome
    assert load_outcome(row) == outcome


def test_every_kind_of_command_and_outcome_is_among_the_stored_rows() -> None:
    assert {type(command) for command, _ in COMMAND_ROWS} == set(get_args(Command))
    assert {type(outcome) for outcome, _ in OUTCOME_ROWS} == set(get_args(Outcome))


@given(commands)
def test_every_command_survives_a_round_trip(command: Command) -> None:
    assert records.load_command(json.loads(json.dumps(records.dump_command(command)))) == command


@given(outcomes)
def test_every_outcome_survives_a_round_trip(outcome: Outcome) -> None:
    assert records.load_outcome(json.loads(json.dumps(records.dump_outcome(outcome)))) == outcome


def test_the_sequences_of_a_loaded_value_are_tuples() -> None:
    outcome = BroadcastFailed("hello", "e", (ChannelId("C1"),), (ChannelFailure(ChannelId("C2"), "e"),))
    loaded = records.load_outcome(records.dump_outcome(outcome))
    assert isinstance(loaded, BroadcastFailed)
    assert isinstance(loaded.failures, tuple)
    assert hash(loaded) == hash(outcome)


@pytest.mark.parametrize("kind", get_args(Outcome))
def test_every_kind_of_outcome_has_a_record(kind: type[Outcome]) -> None:
    with pytest.raises(ValueError, match=f"a record of the type {kind.__name__} is wrong in"):
        records.load_outcome({"type": kind.__name__})


@pytest.mark.parametrize("kind", get_args(Command))
def test_every_kind_of_command_has_a_record(kind: type[Command]) -> None:
    with pytest.raises(ValueError, match=f"a record of the type {kind.__name__} is wrong in"):
        records.load_command({"type": kind.__name__})


@pytest.mark.parametrize("record", [{}, {"type": "Shouted"}, {"type": None}, {"type": []}])
def test_a_record_of_an_unknown_type_is_rejected(record: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="there is no record of the type"):
        records.load_outcome(record)


def test_a_record_with_an_unknown_key_is_rejected_without_quoting_its_value() -> None:
    record = records.dump_outcome(ChannelJoined(ChannelId("C1"))) | {"said": "a secret"}
    with pytest.raises(ValueError, match=r"wrong in said$"):
        records.load_outcome(record)
