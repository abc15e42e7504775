"""The simulated Slack accepts and rejects blocks as Slack does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.block_kit.check import message_errors
from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import Json, error_of

HERE = Path(__file__).parent
CONFORMANCE = json.loads((HERE / "conformance" / "slack_blocks.json").read_text())
CASES = yaml.safe_load((HERE / "block_cases.yaml").read_text())

TEXT = {"type": "plain_text", "text": "x"}
OPTION = {"text": TEXT, "value": "v"}
BUTTON = {"type": "button", "text": TEXT}
CELL = {"type": "raw_text", "text": "x"}
DIVIDER = {"type": "divider"}


def plain(length: int) -> Json:
    return {"type": "plain_text", "text": "x" * length}


def actions(**element: Any) -> Json:
    return {"type": "actions", "elements": [element]}


def section(**fields: Any) -> Json:
    return {"type": "section", "text": TEXT, **fields}


def confirmation(**changed: Any) -> Json:
    return actions(**BUTTON, confirm=dict.fromkeys(("title", "text", "confirm", "deny"), TEXT) | changed)


LENGTHS: dict[str, tuple[int, Callable[[int], Json]]] = {
    "a section's text": (3000, lambda n: section(text=plain(n))),
    "a section's field": (2000, lambda n: section(fields=[plain(n)])),
    "a section's fields": (10, lambda n: section(fields=[TEXT] * n)),
    "a header": (150, lambda n: {"type": "header", "text": plain(n)}),
    "a context's text": (2000, lambda n: {"type": "context", "elements": [plain(n)]}),
    "a context's elements": (10, lambda n: {"type": "context", "elements": [TEXT] * n}),
    "actions": (25, lambda n: {"type": "actions", "elements": [BUTTON] * n}),
    "a block_id": (255, lambda n: {"type": "divider", "block_id": "x" * n}),
    "an action_id": (255, lambda n: actions(**BUTTON, action_id="x" * n)),
    "a button's text": (75, lambda n: actions(type="button", text=plain(n))),
    "a button's value": (2000, lambda n: actions(**BUTTON, value="x" * n)),
    "a button's url": (3000, lambda n: actions(**BUTTON, url="x" * n)),
    "a button's accessibility_label": (75, lambda n: actions(**BUTTON, accessibility_label="x" * n)),
    "a dialog's title": (100, lambda n: confirmation(title=plain(n))),
    "a dialog's text": (300, lambda n: confirmation(text=plain(n))),
    "a dialog's confirm": (30, lambda n: confirmation(confirm=plain(n))),
    "a dialog's deny": (30, lambda n: confirmation(deny=plain(n))),
    "a menu's placeholder": (150, lambda n: actions(type="users_select", placeholder=plain(n))),
    "a menu's options": (100, lambda n: actions(type="static_select", options=[OPTION] * n)),
    "a menu's groups": (
        100,
        lambda n: actions(type="static_select", option_groups=[{"label": TEXT, "options": [OPTION]}] * n),
    ),
    "a group's label": (
        75,
        lambda n: actions(type="static_select", option_groups=[{"label": plain(n), "options": [OPTION]}]),
    ),
    "an option's text": (75, lambda n: actions(type="static_select", options=[OPTION | {"text": plain(n)}])),
    "an option's value": (150, lambda n: actions(type="static_select", options=[OPTION | {"value": "x" * n}])),
    "an option's description": (
        75,
        lambda n: actions(type="static_select", options=[OPTION | {"description": plain(n)}]),
    ),
    "an overflow's options": (5, lambda n: actions(type="overflow", options=[OPTION] * n)),
    "checkboxes": (10, lambda n: actions(type="checkboxes", options=[OPTION] * n)),
    "radio buttons": (10, lambda n: actions(type="radio_buttons", options=[OPTION] * n)),
    "an image's alt_text": (2000, lambda n: {"type": "image", "image_url": "x", "alt_text": "x" * n}),
    "an image's image_url": (3000, lambda n: {"type": "image", "image_url": "x" * n, "alt_text": "x"}),
    "an image's title": (2000, lambda n: {"type": "image", "image_url": "x", "alt_text": "x", "title": plain(n)}),
    "an input's label": (2000, lambda n: {"type": "input", "label": plain(n), "element": {"type": "datepicker"}}),
    "an input's hint": (
        2000,
        lambda n: {"type": "input", "label": TEXT, "hint": plain(n), "element": {"type": "datepicker"}},
    ),
    "markdown": (12_000, lambda n: {"type": "markdown", "text": "x" * n}),
    "a table's rows": (100, lambda n: {"type": "table", "rows": [[CELL]] * n}),
    "a table's columns": (20, lambda n: {"type": "table", "rows": [[CELL] * n]}),
    "a table's column_settings": (20, lambda n: {"type": "table", "rows": [[CELL]], "column_settings": [{}] * n}),
    "context_actions": (
        5,
        lambda n: {"type": "context_actions", "elements": [{"type": "icon_button", "icon": "trash", "text": TEXT}] * n},
    ),
    "a carousel's cards": (10, lambda n: {"type": "carousel", "elements": [{"type": "card", "title": TEXT}] * n}),
}


@pytest.fixture
def ops(slack: SlackServer) -> str:
    slack.invite("ops", slack.bot_user_id)
    return slack.workspace.channel("ops").channel_id


@pytest.mark.parametrize("case", CONFORMANCE, ids=[case["name"] for case in CONFORMANCE])
async def test_blocks_get_the_error_that_slack_documents(case: Json, web: AsyncWebClient, ops: str) -> None:
    call = web.api_call("chat.postMessage", json={"channel": ops, "text": "x", "blocks": case["blocks"]})
    assert await error_of(call) == case["slack"]


@pytest.mark.parametrize("block", CASES["accepted"])
def test_valid_blocks_have_no_errors(block: Json) -> None:
    assert message_errors([block]) == []


@pytest.mark.parametrize("case", CASES["rejected"])
def test_errors_name_the_rule_and_the_place(case: Json) -> None:
    assert message_errors([case["block"]]) == case["errors"]


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths_are_limited(name: str) -> None:
    most, block = LENGTHS[name]
    assert message_errors([block(most)]) == []
    assert len(message_errors([block(most + 1)])) in (1, 2)  # 2: Slack reports a text object as well as its text


def test_block_ids_are_unique_in_a_message() -> None:
    blocks = [{"type": "divider", "block_id": "a"}, DIVIDER, DIVIDER, {"type": "divider", "block_id": "a"}]
    assert message_errors(blocks) == ['`block_id` "a" already exists [json-pointer:/blocks/3/block_id]']


def test_markdown_is_limited_in_all_blocks_together() -> None:
    half = {"type": "markdown", "text": "x" * 6001}
    assert message_errors([half, half]) == ["must be less than 12001 characters [json-pointer:/blocks/1/text]"]


async def test_the_response_explains_each_error_with_its_place(web: AsyncWebClient, ops: str) -> None:
    with pytest.raises(SlackApiError) as refusal:
        await web.chat_postMessage(channel=ops, text="x", blocks=[DIVIDER, {"type": "section", "text": "x"}])
    answer = refusal.value.response
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] failed to match all allowed schemas [json-pointer:/blocks/1/text]",
        "[ERROR] must provide an object [json-pointer:/blocks/1/text]",
    ]


async def test_a_rejected_message_is_not_posted(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    before = slack.history(ops)
    await error_of(web.chat_postMessage(channel=ops, text="x", blocks=[{"type": "sektion"}]))
    assert slack.history(ops) == before


async def test_blocks_of_attachments_are_checked(web: AsyncWebClient, ops: str) -> None:
    with pytest.raises(SlackApiError) as refusal:
        await web.chat_postMessage(channel=ops, text="x", attachments=[{}, {"blocks": [{"type": "sektion"}]}])
    answer = refusal.value.response
    assert answer["error"] == "invalid_attachments"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] unsupported type: sektion [json-pointer:/attachments/1/blocks/0/type]"
    ]


@pytest.mark.parametrize("place", ["blocks", "attachments"])
async def test_a_message_has_one_table_at_most(place: str, web: AsyncWebClient, ops: str) -> None:
    table = {"type": "table", "rows": [[CELL]]}
    content = {"blocks": [table, table]} if place == "blocks" else {"attachments": [{"blocks": [table]}] * 2}
    with pytest.raises(SlackApiError) as refusal:
        await web.api_call("chat.postMessage", json={"channel": ops, "text": "x", **content})
    assert refusal.value.response["error"] == "invalid_attachments"
    assert refusal.value.response["response_metadata"]["messages"] == ["[ERROR] only_one_table_allowed"]


async def test_every_method_that_takes_blocks_checks_them(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    ts = (await web.chat_postMessage(channel=ops, text="x"))["ts"]
    alice = slack.workspace.user("alice").user_id
    blocks = {"channel": ops, "text": "x", "blocks": [{"type": "sektion"}]}
    arguments = {
        "chat.update": {"ts": ts},
        "chat.postEphemeral": {"user": alice},
        "chat.scheduleMessage": {"post_at": int(slack.now()) + 60},
    }
    for method, more in arguments.items():
        assert await error_of(web.api_call(method, json={**blocks, **more})) == "invalid_blocks"
