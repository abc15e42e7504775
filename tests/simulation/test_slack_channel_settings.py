"""Channels that bots create and change in the simulated Slack."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.event_log import EventRaised
from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import error_of

Events = list[str]


@pytest.fixture
def ops(slack: SlackServer) -> str:
    slack.invite("ops", slack.bot_user_id)
    return slack.workspace.channel("ops").channel_id


@pytest.fixture
def raised(slack: SlackServer) -> Events:
    """The types, or subtypes, of the events so far."""
    kinds: Events = []

    def record(event: object) -> None:
        if isinstance(event, EventRaised):
            kinds.append(str(event.event.get("subtype") or event.event["type"]))

    slack.log.listeners.append(record)
    return kinds


@pytest.mark.parametrize("is_private", [False, True])
async def test_a_created_channel_has_the_bot_in_it(
    is_private: bool, slack: SlackServer, web: AsyncWebClient, raised: Events
) -> None:
    channel = (await web.conversations_create(name="incident-7", is_private=is_private))["channel"]
    assert (channel["name"], channel["is_member"], channel["is_private"]) == ("incident-7", True, is_private)
    assert channel["creator"] == slack.bot_user_id
    assert (await web.chat_postMessage(channel=channel["id"], text="hi"))["ok"]
    assert ("channel_created" in raised) is not is_private


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "invalid_name_required"),
        ("x" * 81, "invalid_name_maxlength"),
        ("Incident", "invalid_name_specials"),
        ("an incident", "invalid_name_specials"),
        ("--", "invalid_name_punctuation"),
        ("ops", "name_taken"),
    ],
)
async def test_a_channel_needs_a_name_that_is_valid_and_free(name: str, code: str, web: AsyncWebClient) -> None:
    assert await error_of(web.conversations_create(name=name)) == code


async def test_creating_a_private_channel_requires_its_own_scope(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.access.scopes.discard("groups:write")
    assert await error_of(web.conversations_create(name="secret-2", is_private=True)) == "missing_scope"
    assert (await web.conversations_create(name="public"))["ok"]


async def test_the_bot_renames_channels_that_it_created(web: AsyncWebClient, ops: str, raised: Events) -> None:
    own = (await web.conversations_create(name="first"))["channel"]["id"]
    assert (await web.conversations_rename(channel=own, name="second"))["channel"]["name"] == "second"
    assert raised[-1] == "channel_rename"
    assert await error_of(web.conversations_rename(channel=ops, name="third")) == "not_authorized"
    assert await error_of(web.conversations_rename(channel=own, name="ops")) == "name_taken"


@pytest.mark.parametrize("name", ["topic", "purpose"])
async def test_the_topic_and_the_purpose_are_kept_and_announced(
    name: str, slack: SlackServer, web: AsyncWebClient, ops: str, raised: Events
) -> None:
    method = f"conversations.set{name.capitalize()}"
    await web.api_call(method, json={"channel": ops, name: "release 7"})
    known = (await web.conversations_info(channel=ops))["channel"][name]
    assert (known["value"], known["creator"]) == ("release 7", slack.bot_user_id)
    assert raised[-1] == f"channel_{name}"
    assert slack.history(ops)[-1]["text"] == f"<@{slack.bot_user_id}> set the channel {name}: release 7"
    assert await error_of(web.api_call(method, json={"channel": ops, name: "x" * 251})) == "too_long"


async def test_the_topic_of_other_channels_is_not_the_bots(slack: SlackServer, web: AsyncWebClient) -> None:
    ops = slack.workspace.channel("ops").channel_id
    assert await error_of(web.conversations_setTopic(channel=ops, topic="x")) == "not_in_channel"


async def test_an_archived_channel_is_restored(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    assert await error_of(web.conversations_unarchive(channel=ops)) == "not_archived"
    slack.archive(ops)
    await web.conversations_unarchive(channel=ops)
    assert (await web.conversations_info(channel=ops))["channel"]["is_archived"] is False


async def test_the_read_cursor_is_kept(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    ts = slack.say("alice", ops, "read this")
    await web.conversations_mark(channel=ops, ts=ts)
    assert (await web.conversations_info(channel=ops))["channel"]["last_read"] == ts
    assert await error_of(web.conversations_mark(channel=ops, ts="now")) == "invalid_timestamp"


async def test_an_app_that_created_a_channel_hears_it(slack: SlackServer, web: AsyncWebClient) -> None:
    channel = (await web.conversations_create(name="incident-8"))["channel"]["id"]
    slack.say("alice", channel, "hello")
    assert [one.event["text"] for one in slack.unacknowledged.values() if one.event.get("text") == "hello"] == ["hello"]


async def test_settings_require_a_scope(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    slack.access.scopes.clear()
    for method in ("create", "rename", "setTopic", "unarchive", "mark"):
        call = web.api_call(f"conversations.{method}", json={"channel": ops, "name": "x"})
        assert await error_of(call) == "missing_scope"
