"""The flow authors' guide agrees with the program."""

import json
import re
from dataclasses import replace

import pytest

from adapters.serialization.payloads import command_input, event_name, event_payload, parse_command
from adapters.slack.error_help import EXPLANATIONS
from application.catalog import events as catalog
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
    ReceivedEvent,
    ReceivedMessage,
    RichMessageSent,
    SendMessageFailed,
    SendRichMessageFailed,
)
from domain.interactions import BlockAction, MessageChange, OtherEvent, Reaction, Shortcut, SlashCommand, ViewEvent
from domain.json_values import Json, JsonObject
from domain.messages import IncomingMessage, OutgoingMessage, Receipt
from domain.users import User
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from tests.support.pages import ROOT, code_spans, page, rows, section, titled_blocks

FLOW_AUTHORS = page("flow-authors.md")
PACK = pack_definition("Slack", {}, [spec.name for spec in catalog.EVENTS])
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

BOB = User("U0BOB", "bob", "bob@example.com")
TEAM, TRIGGER, VIEW = "T0123ABCD", "13345224609.738474920.8088930838d88f008e0", "V0MODAL01"
RESPONSE_URL = "https://hooks.slack.com/actions/T0123ABCD/1/abc"
REACTION = Reaction(
    channel_id=OPS,
    user_id=ALICE.id,
    team_id=TEAM,
    reaction="ticket",
    timestamp=TEXT.thread_timestamp,
    item_user_id=BOB.id,
    event_timestamp="1355517530.000100",
)
CLICK = BlockAction(
    channel_id=OPS,
    user_id=ALICE.id,
    team_id=TEAM,
    action_id="approve",
    action_type="button",
    block_id="deployment",
    value="1.2",
    values=("1.2",),
    timestamp=TEXT.thread_timestamp,
    message="Deploy 1.2?",
    action_timestamp="1355517530.000100",
    trigger_id=TRIGGER,
    response_url=RESPONSE_URL,
)
COMMAND = SlashCommand(
    channel_id=OPS,
    user_id=ALICE.id,
    team_id=TEAM,
    command="/deploy",
    text="1.2 to production",
    channel_name="ops",
    trigger_id=TRIGGER,
    response_url="https://hooks.slack.com/commands/T0123ABCD/1/abc",
)
SHORTCUT = Shortcut(
    channel_id=OPS,
    user_id=ALICE.id,
    team_id=TEAM,
    callback_id="create_ticket",
    shortcut_type="message",
    timestamp=TEXT.thread_timestamp,
    message="the printer is on fire",
    trigger_id=TRIGGER,
    response_url=RESPONSE_URL,
)
SUBMISSION = ViewEvent(
    user_id=ALICE.id,
    team_id=TEAM,
    is_submitted=True,
    callback_id="ticket",
    view_id=VIEW,
    view_hash="1355517530.abc",
    private_metadata=TEXT.thread_timestamp,
    state={"title": {"text": "Printer"}, "labels": {"choice": ["urgent", "office"]}},
    trigger_id=TRIGGER,
)
EDIT = MessageChange(
    channel_id=OPS,
    user_id=ALICE.id,
    team_id=TEAM,
    is_deleted=False,
    timestamp=TEXT.thread_timestamp,
    message="echo hello, world",
    previous_message="echo hello",
    edited_timestamp="1355517540.000000",
    event_timestamp="1355517540.000200",
)
OTHER = OtherEvent(
    user_id=ALICE.id,
    team_id=TEAM,
    type="team_join",
    event_id="Ev0123ABCD",
    event={"type": "team_join", "user": {"id": ALICE.id}},
)


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
    ReceivedEvent(REACTION, ALICE, BOB, "the printer is on fire"),
    ReceivedEvent(replace(REACTION, is_added=False), ALICE, BOB, "the printer is on fire"),
    ReceivedEvent(CLICK, ALICE),
    ReceivedEvent(COMMAND, ALICE),
    ReceivedEvent(SHORTCUT, ALICE),
    ReceivedEvent(SUBMISSION, ALICE),
    ReceivedEvent(replace(SUBMISSION, is_submitted=False, state={}, trigger_id="", is_cleared=True), ALICE),
    ReceivedEvent(EDIT, ALICE),
    ReceivedEvent(replace(EDIT, is_deleted=True, message=""), ALICE),
    ReceivedEvent(OTHER, ALICE),
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
