"""Commands from valid and invalid input."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.serialization.command_inputs import command_input, parse_command
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
from domain.json_values import Json
from domain.messages import OutgoingMessage, RichMessage
from entrypoints.testing.strategies import json_values, messages, texts

C1 = ChannelId("C1")
MESSAGE = OutgoingMessage(C1, "hello", "1.1")
COMMAND_NAMES = ("SendMessage", "SendRichMessage", "Broadcast", "JoinChannel", "LeaveChannel")


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
