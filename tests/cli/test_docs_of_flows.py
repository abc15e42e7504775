"""The flow authors' guide agrees with the program."""

import json
import re

import pytest

from adapters.serialization.payloads import command_input, event_name, event_payload, parse_command
from adapters.slack.error_help import EXPLANATIONS
from application.use_cases.dispatcher import pack_definition
from domain.channels import ChannelId
from domain.events import (
    BroadcastFailed,
    BroadcastSent,
    ChannelFailure,
    ChannelJoined,
    ChannelLeft,
    Event,
    JoinChannelFailed,
    LeaveChannelFailed,
    MessageSent,
    ReceivedMessage,
    RichMessageSent,
    SendMessageFailed,
    SendRichMessageFailed,
)
from domain.json_values import Json, JsonObject
from domain.messages import IncomingMessage, OutgoingMessage, Receipt
from domain.users import User
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from tests.support.pages import ROOT, code_spans, page, rows, section, titled_blocks

FLOW_AUTHORS = page("flow-authors.md")
PACK = pack_definition("Slack", {})
ERRORS = list(rows(section(FLOW_AUTHORS, "## Errors").partition("The pack's own")[0], "`.*`"))

OPS, ARCHIVED = ChannelId("C024BE91L"), ChannelId("C0PQRS123")
RECEIPT = Receipt(OPS, "1355517536.000001")
TEXT = OutgoingMessage(OPS, "on its way", "1355517523.000005")
CLOSED = "Deployments are closed until Monday"
ALICE = User("U023BECGF", "alice", "alice@example.com", "Principal Systems Engineer", "Alice", "Smith")
BLOCKS: Json = [{"type": "section", "text": {"type": "mrkdwn", "text": "Deployed *1.2*"}}]
RICH: JsonObject = {
    "channel": OPS,
    "text": "Deployed 1.2",
    "thread_ts": TEXT.thread_timestamp,
    "icon_emoji": ":rocket:",
    "blocks": BLOCKS,
}


def error(code: str, channel_id: ChannelId = OPS) -> str:
    return f"{code}: {EXPLANATIONS[code].format(subject=channel_id)}"


EVENTS: list[Event] = [
    MessageSent(TEXT, RECEIPT),
    SendMessageFailed(TEXT, error("not_in_channel")),
    RichMessageSent(RICH, RECEIPT),
    SendRichMessageFailed({"channel": OPS, "blocks": [{"type": "sektion"}]}, error("invalid_blocks")),
    BroadcastSent(CLOSED, (OPS, ARCHIVED)),
    BroadcastFailed(
        CLOSED,
        f"not sent to 1 of 2 channels ({ARCHIVED}: is_archived)",
        (OPS,),
        (ChannelFailure(ARCHIVED, error("is_archived", ARCHIVED)),),
    ),
    ChannelJoined(OPS),
    JoinChannelFailed(OPS, error("is_archived")),
    ChannelLeft(OPS),
    LeaveChannelFailed(OPS, error("cant_leave_general")),
    ReceivedMessage(IncomingMessage(OPS, TEXT.thread_timestamp, "echo hello", ALICE.id), ALICE),
]


def example(title: str) -> Json:
    value: Json = json.loads(titled_blocks(FLOW_AUTHORS)[title])
    return value


def test_the_flow_on_the_page_is_the_example_file() -> None:
    name = "examples/flows/on_call.yaml"
    flow = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
    assert titled_blocks(FLOW_AUTHORS)[name].splitlines() == flow


def test_the_table_of_a_step_lists_every_key() -> None:
    names = {"packName": "a", "name": "b"}
    (warning,) = flow_from_values({"name": "a", "steps": [{"event": names, "command": names, "q": ""}]}, "a").warnings
    known = warning.partition("expected one of: ")[2].split(", ")
    table = rows(section(FLOW_AUTHORS, "## A flow"), "`.*`")
    assert sorted(code_spans(cells[0])[0] for cells in table) == sorted(known)


@pytest.mark.parametrize("event", EVENTS, ids=event_name)
def test_the_example_of_an_event_is_its_payload(event: Event) -> None:
    assert example(event_name(event)) == event_payload(event)


def test_every_event_of_the_pack_has_an_example() -> None:
    assert {event_name(event) for event in EVENTS} == set(PACK.events)


@pytest.mark.parametrize("command", [command.name for command in PACK.commands])
def test_the_example_of_a_command_is_accepted_unchanged(command: str) -> None:
    value = example(f"input of {command}")
    assert command_input(parse_command(command, value)) == value


@pytest.mark.parametrize(("code", "meaning"), ERRORS, ids=[cells[0] for cells in ERRORS])
def test_a_row_of_the_table_of_errors_is_the_explanation_that_flows_get(code: str, meaning: str) -> None:
    parts = re.split(r"{\w+}", EXPLANATIONS[code_spans(code)[0]])
    assert re.fullmatch(".+".join(map(re.escape, parts)), meaning)


def test_the_table_of_errors_has_rows() -> None:
    assert len(ERRORS) > 15
