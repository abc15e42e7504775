"""The flow authors' guide agrees with the program."""

import json
import re
from pathlib import Path

import pytest
import yaml

from adapters.serialization.payloads import command_input, event_name, event_payload, parse_command
from adapters.slack.error_help import EXPLANATIONS
from application.catalog.commands import COMMANDS
from application.catalog.events import EVENTS as PUBLISHED
from application.catalog.events import EVENTS_BY_NAME
from application.catalog.specs import CommandSpec, EventSpec
from domain.channels import ChannelId
from domain.commands import ChatCommand, SendMessage
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
from domain.messages import IncomingMessage, MessageKeys, OutgoingMessage, Receipt
from domain.users import User
from entrypoints.flow_tests.command import run_test
from entrypoints.flow_tests.parsing.file_parser import read_tests
from entrypoints.flow_tests.quiet_logs import silent_logs
from entrypoints.lint.linter import lint_flow
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from tests.support.catalog_tables import command_cells, event_cells
from tests.support.pages import ROOT, code_spans, page, rows, section, titled_blocks

FLOW_AUTHORS = page("flow-authors.md")
ERRORS = list(rows(section(FLOW_AUTHORS, "## Errors").partition("The pack's own")[0], "`.*`"))

SPECIAL = ("SendMessage", "SendRichMessage", "Broadcast", "JoinChannel", "LeaveChannel", "GetChannelInfo")
"""Commands whose events do not follow from their inputs."""

OPS, ARCHIVED = ChannelId("C024BE91L"), ChannelId("C0PQRS123")
RECEIPT = Receipt(OPS, "1355517536.000001")
TEXT = OutgoingMessage(OPS, "on its way", "1355517523.000005")
CLOSED = "Deployments are closed until Monday"
TEAM = "T024BE7LD"
ALICE = User("U023BECGF", "alice", "alice@example.com", "Principal Systems Engineer", "Alice", "Smith", handle="asmith")
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


ASKED = "1355517536.000001"
"""The timestamp of the message that the examples are about."""
TRIGGER, RESPONSE_URL = "12466734323.1395872398", "https://hooks.slack.com/actions/T1/2/x"
ROBERT = User("U061F7AUR", "robert", "robert@example.com", "", "Robert", "Jones", handle="rjones")
FORM: JsonObject = {"title": {"title": "Printer on fire"}, "tags": {"tags": ["urgent", "office"]}}


def reaction(*, is_added: bool) -> ReceivedEvent:
    event = Reaction(
        channel_id=OPS,
        user_id=ALICE.id,
        team_id=TEAM,
        is_added=is_added,
        reaction="create-a-ticket",
        timestamp=ASKED,
        item_user_id=ROBERT.id,
        event_timestamp="1355517540.000200",
    )
    return ReceivedEvent(event, ALICE, ROBERT, message="the printer is on fire")


def view_event(*, is_submitted: bool) -> ReceivedEvent:
    event = ViewEvent(
        user_id=ALICE.id,
        team_id=TEAM,
        is_submitted=is_submitted,
        callback_id="ticket",
        view_id="V0123456",
        view_hash="156772938.1827394",
        private_metadata=OPS,
        state=FORM if is_submitted else {},
        trigger_id=TRIGGER if is_submitted else "",
    )
    return ReceivedEvent(event, ALICE)


def change(*, is_deleted: bool) -> ReceivedEvent:
    event = MessageChange(
        channel_id=OPS,
        user_id=ALICE.id,
        team_id=TEAM,
        is_deleted=is_deleted,
        timestamp=ASKED,
        message="" if is_deleted else "deploy shop 1.3",
        previous_message="deploy shop 1.2",
        event_timestamp="1355517541.000300",
    )
    return ReceivedEvent(event, ALICE)


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
    ReceivedMessage(
        IncomingMessage(OPS, TEXT.thread_timestamp, "echo hello", ALICE.id, channel_type="channel", team_id=TEAM),
        ALICE,
    ),
    reaction(is_added=True),
    reaction(is_added=False),
    ReceivedEvent(
        BlockAction(
            channel_id=OPS,
            user_id=ALICE.id,
            team_id=TEAM,
            action_id="approve",
            action_type="button",
            block_id="approval",
            value="shop 1.2",
            values=("shop 1.2",),
            timestamp=ASKED,
            message="Deploy shop 1.2?",
            action_timestamp="1355517540.123456",
            trigger_id=TRIGGER,
            response_url=RESPONSE_URL,
        ),
        ALICE,
    ),
    ReceivedEvent(
        SlashCommand(
            channel_id=OPS,
            user_id=ALICE.id,
            team_id=TEAM,
            command="/flyte",
            text="on-call platform",
            channel_name="ops",
            trigger_id=TRIGGER,
            response_url=RESPONSE_URL,
        ),
        ALICE,
    ),
    ReceivedEvent(
        Shortcut(
            channel_id=OPS,
            user_id=ALICE.id,
            team_id=TEAM,
            callback_id="make_ticket",
            shortcut_type="message",
            timestamp=ASKED,
            message="the printer is on fire",
            trigger_id=TRIGGER,
            response_url=RESPONSE_URL,
        ),
        ALICE,
    ),
    view_event(is_submitted=True),
    view_event(is_submitted=False),
    change(is_deleted=False),
    change(is_deleted=True),
    ReceivedEvent(
        OtherEvent(
            user_id=ALICE.id,
            team_id=TEAM,
            type="app_home_opened",
            event_id="Ev0PV52K25",
            event={"type": "app_home_opened", "user": ALICE.id, "tab": "home", "event_ts": "1355517542.000400"},
        ),
        ALICE,
    ),
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
    flow = {"name": "a", "steps": [{"event": names, "command": names, "q": ""}]}
    (finding,) = lint_flow(json.dumps(flow), "a", is_json=True)
    known = finding.message.partition("expected one of: ")[2].split(", ")
    table = rows(section(FLOW_AUTHORS, "## A flow"), "`.*`")
    assert sorted(code_spans(cells[0])[0] for cells in table) == sorted(known)


@pytest.mark.parametrize("event", EVENTS, ids=event_name)
def test_the_example_of_an_event_is_its_payload(event: Event) -> None:
    assert example(event_name(event)) == event_payload(event)


@pytest.mark.parametrize("spec", PUBLISHED, ids=lambda spec: spec.name)
def test_every_event_that_the_pack_publishes_has_an_example_and_its_row(spec: EventSpec) -> None:
    payload = example(spec.name)
    assert isinstance(payload, dict)
    assert {"channelId", "user", "teamId", *spec.fields} == set(payload)
    assert event_cells(spec) in list(rows(section(FLOW_AUTHORS, "## Events"), "`.*"))


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_every_command_has_its_row(spec: CommandSpec) -> None:
    assert command_cells(spec) in list(rows(section(FLOW_AUTHORS, "## Commands"), f"`{spec.name}`"))


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_the_example_of_a_command_is_accepted_unchanged(spec: CommandSpec) -> None:
    value = example(f"input of {spec.name}")
    assert isinstance(value, dict)
    command = parse_command(spec.name, value)
    parsed = command_input(command)
    assert isinstance(parsed, dict)
    assert value.items() <= parsed.items()
    assert isinstance(command, ChatCommand) or value == parsed
    assert spec.missing(value) == ""


@pytest.mark.parametrize("spec", [spec for spec in COMMANDS if spec.name not in SPECIAL], ids=lambda spec: spec.name)
def test_the_events_of_a_command_repeat_its_input_and_add_the_results_or_an_error(spec: CommandSpec) -> None:
    repeated = command_input(parse_command(spec.name, example(f"input of {spec.name}")))
    assert isinstance(repeated, dict)
    content = {field.name for field in spec.fields if field.is_content}
    repeated = {name: value for name, value in repeated.items() if name not in content}
    succeeded, failed = example(spec.success), example(spec.failure)
    assert isinstance(succeeded, dict)
    assert isinstance(failed, dict)
    size = {"size": succeeded["size"]} if content else {}
    assert succeeded == repeated | size | {name: succeeded[name] for name in spec.results}
    assert failed == repeated | size | {"error": failed["error"]}


def test_the_examples_with_a_key_are_a_command_and_its_event() -> None:
    keyed = parse_command("SendMessage", example("SendMessage with a key"))
    assert isinstance(keyed, SendMessage)
    assert keyed.message.keys == MessageKeys(message_key="alert 4711")
    sent = MessageSent(keyed.message, Receipt(OPS, RECEIPT.timestamp, is_updated=True))
    assert example("MessageSent with a key") == event_payload(sent)


def test_no_outcome_of_a_command_has_the_name_of_an_event_that_the_pack_publishes() -> None:
    outcomes = {name for spec in COMMANDS for name in (spec.success, spec.failure)}
    assert outcomes.isdisjoint(EVENTS_BY_NAME)


RECIPES = titled_blocks(section(FLOW_AUTHORS, "## Recipes"))


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_is_a_flow_without_mistakes(title: str) -> None:
    assert flow_from_values(yaml.safe_load(RECIPES[title]), title).steps
    assert not lint_flow(RECIPES[title], title)


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_uses_events_and_commands_of_the_page(title: str) -> None:
    described = titled_blocks(FLOW_AUTHORS)
    for step in yaml.safe_load(RECIPES[title])["steps"]:
        event, command = step["event"], step["command"]
        assert event["packName"] != "Slack" or event["name"] in described
        assert command["packName"] != "Slack" or f"input of {command['name']}" in described


@pytest.mark.parametrize("name", ["only_in_ops", "two_branches"])
def test_a_flow_beside_its_test_has_no_mistakes_and_passes(name: str, tmp_path: Path) -> None:
    blocks = titled_blocks(FLOW_AUTHORS)
    for title in (f"{name}.yaml", f"{name}_test.yaml"):
        (tmp_path / title).write_text(blocks[title])

    assert not lint_flow(blocks[f"{name}.yaml"], name)
    tests = read_tests(tmp_path / f"{name}_test.yaml")
    with silent_logs():
        assert [run_test(test).failure for test in tests] == [None] * len(tests)


def is_explanation(code: str, meaning: str) -> bool:
    """Whether the text explains the code, for some subject."""
    return re.fullmatch(".+".join(map(re.escape, re.split(r"{\w+}", EXPLANATIONS[code]))), meaning) is not None


@pytest.mark.parametrize(("code", "meaning"), ERRORS, ids=[cells[0] for cells in ERRORS])
def test_a_row_of_the_table_of_errors_is_the_explanation_that_flows_get(code: str, meaning: str) -> None:
    assert is_explanation(code_spans(code)[0], meaning)


@pytest.mark.parametrize("spec", [spec for spec in COMMANDS if spec.name not in SPECIAL], ids=lambda spec: spec.name)
def test_the_error_in_an_example_is_the_explanation_that_flows_get(spec: CommandSpec) -> None:
    failed = example(spec.failure)
    assert isinstance(failed, dict)
    code, _, meaning = str(failed["error"]).partition(": ")
    assert code not in EXPLANATIONS or is_explanation(code, meaning)


def test_the_table_of_errors_has_rows() -> None:
    assert len(ERRORS) > 15
