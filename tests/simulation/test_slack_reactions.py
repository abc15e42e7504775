"""Reactions and pins in the simulated Slack."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.event_log import EventRaised
from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import Json, error_of


@pytest.fixture
def ops(slack: SlackServer) -> str:
    slack.invite("ops", slack.bot_user_id)
    return slack.workspace.channel("ops").channel_id


@pytest.fixture
def events(slack: SlackServer) -> list[Json]:
    raised: list[Json] = []
    slack.log.listeners.append(lambda event: raised.append(event.event) if isinstance(event, EventRaised) else None)
    return raised


async def test_a_reaction_is_removed_by_its_own_user_only(
    slack: SlackServer, web: AsyncWebClient, ops: str, events: list[Json]
) -> None:
    ts = slack.say("alice", ops, "nice")
    slack.react("alice", ops, ts, "wave")
    assert await error_of(web.reactions_remove(channel=ops, timestamp=ts, name="wave")) == "no_reaction"
    await web.reactions_add(channel=ops, timestamp=ts, name="wave")
    await web.reactions_remove(channel=ops, timestamp=ts, name="wave")
    alice = slack.workspace.user("alice").user_id
    assert slack.history(ops)[-1]["reactions"] == [{"name": "wave", "users": [alice], "count": 1}]
    assert (events[-1]["type"], events[-1]["reaction"], events[-1]["item"]["ts"]) == ("reaction_removed", "wave", ts)


async def test_the_last_reaction_leaves_none(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    ts = slack.say("alice", ops, "nice")
    slack.react("alice", ops, ts, "wave")
    slack.unreact("alice", ops, ts, "wave")
    assert "reactions" not in (await web.reactions_get(channel=ops, timestamp=ts))["message"]


async def test_the_reactions_of_a_message_can_be_read(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    ts = slack.say("alice", ops, "nice")
    slack.react("alice", ops, ts, "wave")
    answer = await web.reactions_get(channel=ops, timestamp=ts)
    assert (answer["type"], answer["channel"], answer["message"]["ts"]) == ("message", ops, ts)
    assert [reaction["name"] for reaction in answer["message"]["reactions"]] == ["wave"]
    assert await error_of(web.reactions_get(channel=ops, timestamp="1.000001")) == "message_not_found"
    assert await error_of(web.reactions_get(channel=ops)) == "no_item_specified"


async def test_a_message_is_pinned_once(slack: SlackServer, web: AsyncWebClient, ops: str, events: list[Json]) -> None:
    ts = slack.say("alice", ops, "important")
    await web.pins_add(channel=ops, timestamp=ts)
    assert (events[-1]["type"], events[-1]["item"]["message"]["ts"]) == ("pin_added", ts)
    assert await error_of(web.pins_add(channel=ops, timestamp=ts)) == "already_pinned"
    assert [item["message"]["ts"] for item in (await web.pins_list(channel=ops))["items"]] == [ts]
    await web.pins_remove(channel=ops, timestamp=ts)
    assert await error_of(web.pins_remove(channel=ops, timestamp=ts)) == "no_pin"
    assert await error_of(web.pins_add(channel=ops, timestamp="1.000001")) == "message_not_found"
