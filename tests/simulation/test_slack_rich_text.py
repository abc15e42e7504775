"""The blocks of people's own messages in the simulated Slack."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.block_kit.check import message_errors
from entrypoints.simulation.slack.rich_text import rich_text_blocks
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.workspaces.message_text import visible_text
from tests.simulation.slack_app import Json


def text(content: str) -> Json:
    return {"type": "text", "text": content}


@pytest.mark.parametrize(
    ("typed", "elements"),
    [
        ("hello\nworld", [text("hello\nworld")]),
        ("a &lt; b &amp; c", [text("a < b & c")]),
        ("<@U1> look", [{"type": "user", "user_id": "U1"}, text(" look")]),
        ("in <#C1|ops>", [text("in "), {"type": "channel", "channel_id": "C1"}]),
        ("<!here> <!subteam^S1>", [
            {"type": "broadcast", "range": "here"},
            text(" "),
            {"type": "usergroup", "usergroup_id": "S1"},
        ]),
        ("<https://example.com?a=1&amp;b=2|here>", [
            {"type": "link", "url": "https://example.com?a=1&b=2", "text": "here"}
        ]),
        ("<https://example.com>", [{"type": "link", "url": "https://example.com"}]),
        ("nice :+1: at 12:30:45", [text("nice "), {"type": "emoji", "name": "+1"}, text(" at 12:30:45")]),
    ],
)  # fmt: skip
def test_a_text_becomes_one_rich_text_block(typed: str, elements: list[Json]) -> None:
    (block,) = rich_text_blocks(typed)
    assert block["type"] == "rich_text"
    assert block["elements"] == [{"type": "rich_text_section", "elements": elements}]
    assert message_errors([block]) == []


def test_an_empty_text_has_no_blocks() -> None:
    assert rich_text_blocks("") == []


async def test_the_blocks_are_in_the_event_and_in_the_history(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.invite("ops", slack.bot_user_id)
    ops = slack.workspace.channel("ops").channel_id
    ts = slack.say("alice", ops, "hello <@U1>")
    event = next(one.event for one in slack.unacknowledged.values() if one.event.get("ts") == ts)
    message = (await web.conversations_history(channel=ops, limit=1))["messages"][0]
    assert event["blocks"] == message["blocks"] == rich_text_blocks("hello <@U1>")


async def test_an_edit_changes_the_blocks_too(slack: SlackServer) -> None:
    ts = slack.say("alice", "ops", "frist")
    slack.edit("ops", ts, "first")
    assert slack.history("ops")[-1]["blocks"] == rich_text_blocks("first")


@pytest.mark.parametrize("subtype", ["me_message", "channel_join"])
def test_what_people_do_not_compose_has_no_blocks(subtype: str, slack: SlackServer) -> None:
    slack.say("alice", "ops", "waves", subtype=subtype)
    assert "blocks" not in slack.history("ops")[-1]


async def test_people_see_their_text_once(slack: SlackServer) -> None:
    slack.say("alice", "ops", "hello <@U1> &amp; all")
    assert visible_text(slack.history("ops")[-1]) == "hello <@U1> &amp; all"
