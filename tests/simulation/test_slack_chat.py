"""Posting, editing and reacting in the simulated Slack, and invalid calls."""

import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import error_of, web_client

BLOCK = {"type": "section", "text": {"type": "mrkdwn", "text": "hi"}}
LONG_TEXT = {"type": "mrkdwn", "text": "x" * 2_700}


@pytest.fixture
def ops(slack: SlackServer) -> str:
    slack.invite("ops", slack.bot_user_id)
    return slack.workspace.channel("ops").channel_id


async def test_a_post_returns_its_channel_and_ts(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    answer = await web.chat_postMessage(channel=ops, text="hello")
    assert (answer["channel"], answer["message"]["text"]) == (ops, "hello")
    assert answer["message"]["bot_id"] == slack.bot_id
    assert slack.history(ops)[-1]["ts"] == answer["ts"]


@pytest.mark.parametrize("name", ["#ops", "ops"])
async def test_a_channel_can_be_given_by_name(name: str, web: AsyncWebClient, ops: str) -> None:
    assert (await web.chat_postMessage(channel=name, text="hello"))["channel"] == ops


async def test_a_post_to_a_user_id_goes_to_a_direct_message(slack: SlackServer, web: AsyncWebClient) -> None:
    alice = slack.workspace.user("alice").user_id
    assert (await web.chat_postMessage(channel=alice, text="psst"))["channel"] == slack.open_im("alice")


async def test_timestamps_are_unique_and_increasing(web: AsyncWebClient, ops: str) -> None:
    times = [(await web.chat_postMessage(channel=ops, text=str(number)))["ts"] for number in range(20)]
    assert times == sorted(set(times))
    assert all(len(ts.partition(".")[2]) == 6 for ts in times)


async def test_posts_are_logged_in_order_with_their_arguments(
    slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    await web.chat_postMessage(channel=ops, text="one", unfurl_links=False)
    await web.api_call("chat.postMessage", json={"channel": ops, "text": "two", "tomorrows_field": 1})
    assert [post.text for post in slack.posts] == ["one", "two"]
    assert slack.posts[1].arguments["tomorrows_field"] == 1
    assert slack.posts[0].at <= slack.posts[1].at


@pytest.mark.parametrize("as_text", [False, True])
async def test_blocks_and_attachments_may_be_lists_or_strings(
    as_text: bool, slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    blocks: Any = [BLOCK]
    attachments: Any = [{"text": "more"}]
    if as_text:
        blocks, attachments = json.dumps(blocks), json.dumps(attachments)
    await web.api_call("chat.postMessage", json={"channel": ops, "blocks": blocks, "attachments": attachments})
    message = slack.history(ops)[-1]
    assert (message["blocks"], message["attachments"]) == ([BLOCK], [{"text": "more"}])


@pytest.mark.parametrize("as_text", [False, True])
async def test_metadata_may_be_an_object_or_a_string(
    as_text: bool, slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    metadata = {"event_type": "my_mark-1", "event_payload": {"id": "7"}}
    given = json.dumps(metadata) if as_text else metadata
    await web.api_call("chat.postMessage", json={"channel": ops, "text": "marked", "metadata": given})
    assert slack.history(ops)[-1]["metadata"] == metadata


async def test_a_message_with_a_custom_name_has_no_user(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    await web.chat_postMessage(channel=ops, text="hi", username="Deployer", icon_emoji=":robot:")
    message = slack.history(ops)[-1]
    assert (message["username"], message["bot_id"], message.get("user")) == ("Deployer", slack.bot_id, None)


async def test_a_custom_name_requires_its_scope(session: aiohttp.ClientSession) -> None:
    async with SlackServer(scopes=["chat:write"]) as slack:
        ops = slack.add_channel("ops", members=[slack.bot_user_id])
        web = web_client(slack, session)
        assert await error_of(web.chat_postMessage(channel=ops, text="hi", username="Deployer")) == "missing_scope"


async def test_a_reply_is_listed_in_its_thread_only(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    parent = slack.say("alice", "ops", "question")
    answer = await web.chat_postMessage(channel=ops, text="answer", thread_ts=parent)
    assert answer["message"]["thread_ts"] == parent
    assert slack.history(ops)[-1]["ts"] == parent
    assert [message["text"] for message in slack.history(ops, parent)] == ["question", "answer"]


async def test_a_broadcast_reply_is_also_listed_in_the_channel(
    slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    parent = slack.say("alice", "ops", "question")
    await web.chat_postMessage(channel=ops, text="answer", thread_ts=parent, reply_broadcast=True)
    assert slack.history(ops)[-1]["subtype"] == "thread_broadcast"


async def test_a_reply_to_a_reply_goes_into_the_same_thread(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    parent = slack.say("alice", "ops", "question")
    reply = slack.say("alice", "ops", "more", thread_ts=parent)
    assert (await web.chat_postMessage(channel=ops, text="answer", thread_ts=reply))["message"]["thread_ts"] == parent


async def test_text_over_forty_thousand_characters_is_truncated_without_an_error(
    slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    assert (await web.chat_postMessage(channel=ops, text="x" * 40_001))["ok"]
    assert len(slack.posts[-1].text) == 40_000


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "no_text"),
        ({"text": ""}, "no_text"),
        ({"text": {"not": "text"}}, "invalid_arguments"),
        ({"text": "x", "blocks": "{"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": {"type": "section"}}, "invalid_blocks_format"),
        ({"text": "x", "blocks": ["words"]}, "invalid_blocks"),
        ({"text": "x", "blocks": [BLOCK] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "section", "text": LONG_TEXT}] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"text": "x", "attachments": "no json"}, "invalid_attachments"),
        ({"text": "x", "markdown_text": "**x**"}, "markdown_text_conflict"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"text": "x", "metadata": "no json"}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
        ({"text": "x", "metadata": {"event_type": "a b", "event_payload": {}}}, "invalid_metadata_schema"),
        ({"text": "x", "metadata": {"event_type": "a", "event_payload": {"x": "x" * 9_000}}}, "metadata_too_large"),
        ({"text": "x", "thread_ts": "soon"}, "invalid_thread_ts"),
    ],
)
async def test_invalid_arguments_are_rejected(
    arguments: dict[str, Any], code: str, web: AsyncWebClient, ops: str
) -> None:
    assert await error_of(web.api_call("chat.postMessage", json={"channel": ops, **arguments})) == code


async def test_slacks_own_notices_cannot_be_replied_to(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    joined = slack.history(ops)[-1]
    assert joined["subtype"] == "channel_join"
    refusal = error_of(web.chat_postMessage(channel=ops, text="welcome", thread_ts=joined["ts"]))
    assert await refusal == "cannot_reply_to_message"


async def test_an_unknown_channel_is_not_found(web: AsyncWebClient) -> None:
    assert await error_of(web.chat_postMessage(channel="C404", text="x")) == "channel_not_found"


async def test_posting_to_a_public_channel_requires_membership(web: AsyncWebClient) -> None:
    assert await error_of(web.chat_postMessage(channel="#ops", text="x")) == "not_in_channel"


async def test_a_private_channel_is_hidden_from_non_members(web: AsyncWebClient) -> None:
    assert await error_of(web.chat_postMessage(channel="#secret", text="x")) == "channel_not_found"


async def test_a_scope_allows_posts_to_public_channels_without_membership(session: aiohttp.ClientSession) -> None:
    async with SlackServer(scopes=["chat:write", "chat:write.public"]) as slack:
        slack.add_channel("ops")
        assert (await web_client(slack, session).chat_postMessage(channel="#ops", text="x"))["ok"]


async def test_an_archived_channel_rejects_posts(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    slack.archive(ops)
    assert await error_of(web.chat_postMessage(channel=ops, text="x")) == "is_archived"


async def test_the_bot_edits_its_own_message(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    ts = (await web.chat_postMessage(channel=ops, text="frist"))["ts"]
    await web.chat_update(channel=ops, ts=ts, text="first")
    assert (slack.history(ops)[-1]["text"], "edited" in slack.history(ops)[-1]) == ("first", True)


async def test_the_bot_deletes_its_own_message(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    ts = (await web.chat_postMessage(channel=ops, text="oops"))["ts"]
    await web.chat_delete(channel=ops, ts=ts)
    assert all(message["ts"] != ts for message in slack.history(ops))


async def test_the_bot_cannot_change_messages_of_others(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    ts = slack.say("alice", "ops", "mine")
    assert await error_of(web.chat_update(channel=ops, ts=ts, text="x")) == "cant_update_message"
    assert await error_of(web.chat_delete(channel=ops, ts=ts)) == "cant_delete_message"
    assert await error_of(web.chat_delete(channel=ops, ts="1.000001")) == "message_not_found"


async def test_an_ephemeral_message_is_not_stored(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    alice = slack.workspace.user("alice").user_id
    before = slack.history(ops)
    assert (await web.chat_postEphemeral(channel=ops, user=alice, text="only you"))["message_ts"]
    assert slack.history(ops) == before
    assert await error_of(web.chat_postEphemeral(channel=ops, user="U404", text="x")) == "user_not_in_channel"


async def test_a_message_about_oneself_is_posted(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    ts = (await web.chat_meMessage(channel=ops, text="waves"))["ts"]
    message = slack.history(ops)[-1]
    assert (message["ts"], message["subtype"], message["text"]) == (ts, "me_message", "waves")
    assert [post.text for post in slack.posts] == ["waves"]
    assert await error_of(web.chat_meMessage(channel=ops, text="")) == "no_text"


async def test_a_permalink_leads_to_a_message_and_its_thread(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    parent = slack.say("alice", ops, "question")
    reply = slack.say("alice", ops, "answer", thread_ts=parent)
    links = [(await web.chat_getPermalink(channel=ops, message_ts=ts))["permalink"] for ts in (parent, reply)]
    address = f"https://simulation.slack.com/archives/{ops}/p"
    assert links[0] == address + parent.replace(".", "")
    assert links[1] == f"{address}{reply.replace('.', '')}?thread_ts={parent}&cid={ops}"
    assert await error_of(web.chat_getPermalink(channel=ops, message_ts="1.000001")) == "message_not_found"


async def test_a_reaction_can_be_added_only_once(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    ts = slack.say("alice", "ops", "nice")
    await web.reactions_add(channel=ops, timestamp=ts, name="thumbsup")
    assert slack.history(ops)[-1]["reactions"] == [{"name": "thumbsup", "users": [slack.bot_user_id], "count": 1}]
    assert await error_of(web.reactions_add(channel=ops, timestamp=ts, name="thumbsup")) == "already_reacted"


@pytest.mark.parametrize("field", ["blocks", "attachments"])
async def test_an_update_keeps_the_lists_that_it_does_not_name(
    field: str, slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    parts: Any = {field: [BLOCK if field == "blocks" else {"text": "details"}]}
    ts = (await web.chat_postMessage(channel=ops, text="one", **parts))["ts"]
    await web.api_call("chat.update", json={"channel": ops, "ts": ts, "text": "two"})
    assert (slack.history(ops)[-1]["text"], slack.history(ops)[-1][field]) == ("two", parts[field])


@pytest.mark.parametrize("field", ["blocks", "attachments"])
async def test_an_update_with_an_empty_list_removes_the_old_one(
    field: str, slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    parts: Any = {field: [BLOCK if field == "blocks" else {"text": "details"}]}
    ts = (await web.chat_postMessage(channel=ops, text="one", **parts))["ts"]
    await web.api_call("chat.update", json={"channel": ops, "ts": ts, "text": "two", field: []})
    assert field not in slack.history(ops)[-1]


async def test_ephemeral_messages_are_kept_with_the_one_who_sees_them(
    slack: SlackServer, web: AsyncWebClient, ops: str
) -> None:
    alice = slack.workspace.user("alice").user_id
    await web.chat_postEphemeral(channel=ops, user=alice, text="psst", blocks=[BLOCK])
    (seen,) = slack.ephemeral_posts
    assert (seen.channel, seen.user, seen.fields) == (ops, alice, {"text": "psst", "blocks": [BLOCK]})
