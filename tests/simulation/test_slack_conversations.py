"""Conversations of the simulated Slack: membership, listing and history."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import error_of, web_client


def channel_id(slack: SlackServer, name: str) -> str:
    return slack.workspace.channel(name).channel_id


@pytest.fixture
def ops(slack: SlackServer) -> str:
    slack.invite("ops", slack.bot_user_id)
    return channel_id(slack, "ops")


async def texts(web: AsyncWebClient, channel: str, **arguments: Any) -> list[str]:
    answer = await web.conversations_history(channel=channel, **arguments)
    return [message["text"] for message in answer["messages"]]


async def test_joining_makes_the_bot_a_member(slack: SlackServer, web: AsyncWebClient) -> None:
    assert (await web.conversations_join(channel=channel_id(slack, "ops")))["channel"]["is_member"]
    assert slack.is_member("ops")


async def test_joining_twice_is_a_warning(web: AsyncWebClient, ops: str) -> None:
    answer = await web.conversations_join(channel=ops)
    assert (answer["ok"], answer["warning"]) == (True, "already_in_channel")


async def test_joining_is_rejected(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.add_channel("old")
    slack.archive("old")
    assert await error_of(web.conversations_join(channel="C404")) == "channel_not_found"
    assert await error_of(web.conversations_join(channel=channel_id(slack, "old"))) == "is_archived"
    refusal = error_of(web.conversations_join(channel=channel_id(slack, "secret")))
    assert await refusal == "method_not_supported_for_channel_type"


async def test_leaving_ends_the_membership(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    assert (await web.conversations_leave(channel=ops))["ok"]
    assert not slack.is_member("ops")


async def test_leaving_without_membership_fails_without_an_error_code(slack: SlackServer, web: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refusal:
        await web.conversations_leave(channel=channel_id(slack, "ops"))
    assert refusal.value.response.data == {"ok": False, "not_in_channel": True}


async def test_leaving_is_rejected(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    bot = slack.bot_user_id
    general = slack.add_channel("general", members=[bot])
    alone = slack.add_channel("alone", creator=bot)
    assert await error_of(web.conversations_leave(channel=general)) == "cant_leave_general"
    assert await error_of(web.conversations_leave(channel=alone)) == "last_member"
    assert await error_of(web.conversations_leave(channel="C404")) == "channel_not_found"
    slack.archive(ops)
    assert await error_of(web.conversations_leave(channel=ops)) == "is_archived"


async def test_the_list_has_public_channels_and_the_bots_private_ones(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.add_channel("war-room", private=True, members=[slack.bot_user_id])
    slack.open_im("alice")
    listed = await web.conversations_list(types="public_channel,private_channel,im")
    assert [channel.get("name", "im") for channel in listed["channels"]] == ["ops", "war-room", "im"]
    assert [channel["is_member"] for channel in listed["channels"][:2]] == [False, True]


async def test_archived_channels_can_be_excluded(slack: SlackServer, web: AsyncWebClient) -> None:
    slack.archive("ops")
    assert (await web.conversations_list())["channels"][0]["is_archived"]
    assert (await web.conversations_list(exclude_archived=True))["channels"] == []


async def test_listing_private_channels_requires_their_scope(session: aiohttp.ClientSession) -> None:
    async with SlackServer(scopes=["channels:read"]) as slack:
        web = web_client(slack, session)
        assert (await web.conversations_list())["ok"]
        assert await error_of(web.conversations_list(types="public_channel,private_channel")) == "missing_scope"


async def test_users_conversations_lists_the_bots_conversations(web: AsyncWebClient, ops: str) -> None:
    assert [channel["id"] for channel in (await web.users_conversations())["channels"]] == [ops]


async def test_info_returns_one_channel(slack: SlackServer, web: AsyncWebClient) -> None:
    info = (await web.conversations_info(channel=channel_id(slack, "ops"), include_num_members=True))["channel"]
    assert (info["name"], info["is_member"], info["num_members"], info["is_private"]) == ("ops", False, 2, False)
    assert await error_of(web.conversations_info(channel=channel_id(slack, "secret"))) == "channel_not_found"


async def test_members_are_listed(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    assert slack.bot_user_id in (await web.conversations_members(channel=ops))["members"]


async def test_a_direct_message_is_opened_once(slack: SlackServer, web: AsyncWebClient) -> None:
    alice = slack.workspace.user("alice").user_id
    first = await web.conversations_open(users=alice)
    again = await web.conversations_open(users=[alice], return_im=True)
    assert first["channel"]["id"].startswith("D")
    assert (again["already_open"], again["channel"]["user"]) == (True, alice)
    assert again["channel"]["id"] == first["channel"]["id"]
    assert await error_of(web.conversations_open(users="U404")) == "user_not_found"


async def test_the_bot_can_invite_and_remove_users(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    bob = slack.add_user("bob")
    await web.conversations_invite(channel=ops, users=bob)
    assert slack.is_member("ops", "bob")
    assert await error_of(web.conversations_invite(channel=ops, users=bob)) == "already_in_channel"
    await web.conversations_kick(channel=ops, user=bob)
    assert not slack.is_member("ops", "bob")
    assert await error_of(web.conversations_kick(channel=ops, user=slack.bot_user_id)) == "cant_kick_self"


async def test_the_bot_can_archive_a_channel(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    await web.conversations_archive(channel=ops)
    assert slack.workspace.channel("ops").is_archived
    assert await error_of(web.conversations_archive(channel=ops)) == "already_archived"


async def test_history_is_newest_first_without_replies(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    first = slack.say("alice", "ops", "one")
    slack.say("alice", "ops", "reply", thread_ts=first)
    slack.say("alice", "ops", "two")
    answer = await web.conversations_history(channel=ops, limit=2)
    assert [message["text"] for message in answer["messages"]] == ["two", "one"]
    assert (answer["messages"][1]["reply_count"], answer["has_more"]) == (1, True)


async def test_history_can_be_bounded_by_timestamps(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    times = [slack.say("alice", "ops", str(number)) for number in range(5)]
    bounds = {"oldest": times[1], "latest": times[3]}
    assert await texts(web, ops, **bounds) == ["2"]
    assert await texts(web, ops, **bounds, inclusive=True) == ["3", "2", "1"]
    assert await texts(web, ops, oldest=times[3]) == ["4"]
    assert len(await texts(web, ops, oldest="0")) == 6
    assert await error_of(web.conversations_history(channel=ops, oldest="then")) == "invalid_ts_oldest"


async def test_pages_of_history_do_not_shift_with_new_messages(
    slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    start = slack.say("alice", "ops", "start")
    for number in range(4):
        slack.say("alice", "ops", str(number))
    first = await web.conversations_history(channel=ops, oldest=start, limit=2)
    slack.say("alice", "ops", "meanwhile")
    cursor = first["response_metadata"]["next_cursor"]
    assert await texts(web, ops, oldest=start, limit=2, cursor=cursor) == ["1", "0"]


async def test_metadata_is_included_only_on_request(web: AsyncWebClient, ops: str) -> None:
    mark = {"event_type": "mark", "event_payload": {"id": "7"}}
    await web.chat_postMessage(channel=ops, text="marked", metadata=mark)
    plain = await web.conversations_history(channel=ops, limit=1)
    full = await web.conversations_history(channel=ops, limit=1, include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == mark


async def test_replies_begin_with_the_parent_and_are_paginated(
    slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    parent = slack.say("alice", "ops", "parent")
    replies = [slack.say("alice", "ops", str(number), thread_ts=parent) for number in range(3)]
    found = []
    async for page in await web.conversations_replies(channel=ops, ts=parent, limit=2):
        found += [message["text"] for message in page["messages"]]
    assert found == ["parent", "0", "1", "2"]
    newest = await web.conversations_replies(channel=ops, ts=parent, oldest=replies[1])
    assert [message["text"] for message in newest["messages"]] == ["parent", "2"]
    assert await error_of(web.conversations_replies(channel=ops, ts="1.000001")) == "thread_not_found"


async def test_history_can_lag(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    parent = slack.say("alice", "ops", "question")
    slack.say("alice", "ops", "answer", thread_ts=parent)
    slack.workspace.history_lag_seconds = 60
    assert await texts(web, ops) == []
    assert len((await web.conversations_replies(channel=ops, ts=parent))["messages"]) == 1
    slack.workspace.history_lag_seconds = 0
    assert (await texts(web, ops))[0] == "question"


async def test_history_requires_membership(slack: SlackServer, web: AsyncWebClient) -> None:
    assert await error_of(web.conversations_history(channel=channel_id(slack, "ops"))) == "not_in_channel"
    assert await error_of(web.conversations_history(channel=channel_id(slack, "secret"))) == "channel_not_found"
