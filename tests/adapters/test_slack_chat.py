import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from adapters.memory.clock import MemoryClock
from adapters.slack.chat import SlackChat
from adapters.slack.web_client import SlackWebClient
from domain.channels import ChannelId
from domain.errors import ChatRejected, RateLimited, Unreachable
from domain.json_values import JsonObject
from domain.messages import IdempotencyKey, OutgoingMessage, RichMessage
from domain.users import User
from entrypoints.simulation.faults import CannedResponse, Fault, Reset
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.server import SlackServer

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Stage:
    slack: SlackServer
    chat: SlackChat
    clock: MemoryClock
    channel: ChannelId

    async def posted(self, fields: JsonObject, mark: IdempotencyKey | None = None) -> JsonObject:
        """What reached Slack of a rich message."""
        await self.chat.post(RichMessage({"channel": self.channel, **fields}), mark)
        return self.slack.posts[-1].arguments


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    clock = MemoryClock()
    async with SlackServer() as slack:
        web = SlackWebClient(slack.api_url, slack.bot_token, timeout_seconds=5)
        channel = slack.add_channel("ops", members=(slack.bot_user_id,))
        async with web.open():
            yield Stage(slack, SlackChat(web, clock), clock, ChannelId(channel))


# Posting


async def test_a_message_goes_out_with_its_text_and_nothing_added(stage: Stage) -> None:
    await stage.chat.post(OutgoingMessage(stage.channel, "<!channel> &amp; *bold*"), None)
    assert stage.slack.posts[-1].arguments == {"channel": stage.channel, "text": "<!channel> &amp; *bold*"}


async def test_a_mark_goes_out_as_metadata(stage: Stage) -> None:
    await stage.chat.post(OutgoingMessage(stage.channel, "hello"), IdempotencyKey("m1"))
    metadata = {"event_type": "flyte_slack_delivery", "event_payload": {"id": "m1"}}
    assert stage.slack.posts[-1].arguments["metadata"] == metadata


async def test_fields_that_nobody_knows_go_out_as_they_came(stage: Stage) -> None:
    fields: JsonObject = {"text": "hello", "self": 1, "json": {"a": [None, True]}, "unfurl_links": False}
    assert await stage.posted(fields) == {"channel": stage.channel, **fields}


async def test_a_token_among_the_fields_never_goes_out(stage: Stage) -> None:
    arguments = await stage.posted({"text": "hello", "token": "xoxp-of-somebody-else"})
    assert "token" not in arguments


@pytest.mark.parametrize("field", ["attachments", "blocks"])
@pytest.mark.parametrize("form", ["list", "text"])
async def test_lists_may_come_as_lists_or_as_their_text(stage: Stage, field: str, form: str) -> None:
    parts: dict[str, tuple[list[JsonObject], str]] = {
        "attachments": ([{"text": "é"}], '[{"text": "é"}]'),
        "blocks": ([{"type": "divider"}], ' [{"type":"divider"}]\n'),
    }
    as_list, as_text = parts[field]
    arguments = await stage.posted({"text": "hello", field: as_text if form == "text" else [*as_list]})
    assert arguments[field] == as_list


async def test_blocks_that_are_no_list_are_for_slack_to_judge(stage: Stage) -> None:
    with pytest.raises(ChatRejected) as refusal:
        await stage.posted({"text": "hello", "blocks": "no json"})
    assert refusal.value.code.startswith("invalid_blocks")


@pytest.mark.parametrize("metadata", [None, ""])
async def test_metadata_that_is_missing_makes_room_for_the_mark(stage: Stage, metadata: str | None) -> None:
    arguments = await stage.posted({"text": "hello", "metadata": metadata}, IdempotencyKey("m1"))
    assert arguments["metadata"] == {"event_type": "flyte_slack_delivery", "event_payload": {"id": "m1"}}


async def test_the_receipt_names_the_channel_that_slack_posted_to(stage: Stage) -> None:
    receipt = await stage.chat.post(RichMessage({"channel": "#ops", "text": "hello"}), None)
    assert receipt.channel_id == stage.channel


async def test_slack_refusing_the_mark_is_told_by_its_code(stage: Stage) -> None:
    stage.slack.faults.plan("chat.postMessage", faults.error("metadata_too_large"))
    with pytest.raises(ChatRejected) as refusal:
        await stage.chat.post(OutgoingMessage(stage.channel, "hello"), IdempotencyKey("m1"))
    assert refusal.value.code == "metadata_too_large"


# Joining and leaving


@pytest.mark.parametrize(
    "code", ["method_not_supported_for_channel_type", "channel_not_found", "missing_scope", "not_allowed_token_type"]
)
async def test_a_member_that_is_refused_the_joining_has_joined(stage: Stage, code: str) -> None:
    stage.slack.faults.plan("conversations.join", faults.error(code))
    await stage.chat.join(stage.channel)


async def test_a_refusal_to_join_stands_when_membership_can_not_be_told(stage: Stage) -> None:
    stage.slack.faults.plan("conversations.join", faults.error("missing_scope", needed="channels:join"))
    stage.slack.faults.plan("conversations.info", faults.error("missing_scope", needed="channels:read"))
    with pytest.raises(ChatRejected, match="channels:join"):
        await stage.chat.join(stage.channel)


@pytest.mark.parametrize(("fault", "error"), [(faults.rate_limited(3), RateLimited), (Reset(), Unreachable)])
async def test_joining_may_be_tried_again_when_membership_was_not_answered(
    stage: Stage, fault: Fault, error: type[Exception]
) -> None:
    stage.slack.faults.plan("conversations.join", faults.error("method_not_supported_for_channel_type"))
    stage.slack.faults.plan("conversations.info", fault)
    with pytest.raises(error):
        await stage.chat.join(stage.channel)


@pytest.mark.parametrize(
    "fault",
    [
        CannedResponse("old documentation", 200, b'{"ok": true, "not_in_channel": true}'),
        CannedResponse("today", 200, b'{"ok": false, "not_in_channel": true}'),
        faults.error("not_in_channel"),
    ],
    ids=lambda fault: fault.name,
)
async def test_not_a_member_in_any_of_its_forms_is_left(stage: Stage, fault: Fault) -> None:
    stage.slack.faults.plan("conversations.leave", fault)
    await stage.chat.leave(stage.channel)


# Pages


async def test_pages_that_lead_in_a_circle_end(stage: Stage) -> None:
    body = b'{"ok": true, "channels": [], "response_metadata": {"next_cursor": "again"}}'
    stage.slack.faults.plan("users.conversations", CannedResponse("circle", 200, body), times=None)
    with pytest.raises(Unreachable):
        await stage.chat.memberships()
    assert stage.slack.counters["faults"] == 2


async def test_what_is_no_channel_in_a_list_of_channels_is_passed_over(stage: Stage) -> None:
    body = b'{"ok": true, "channels": [null, {"id": 7}, {"id": "C1"}, {}], "response_metadata": null}'
    stage.slack.faults.plan("users.conversations", CannedResponse("odd", 200, body))
    assert await stage.chat.memberships() == {"C1"}


async def test_a_post_is_found_many_pages_back(stage: Stage) -> None:
    message = OutgoingMessage(stage.channel, "hello")
    receipt = await stage.chat.post(message, IdempotencyKey("m1"))
    for number in range(500):
        stage.slack.say("owner", stage.channel, str(number))
    assert await stage.chat.find_posted(message, IdempotencyKey("m1"), LONG_AGO) == receipt


async def test_malformed_messages_of_the_history_are_passed_over(stage: Stage) -> None:
    body = b'{"ok": true, "messages": [null, {"text": "no ts"}, {"ts": "1.2", "text": 7, "thread_ts": null}, []]}'
    stage.slack.faults.plan("conversations.history", CannedResponse("odd", 200, body))
    page = await stage.chat.history(stage.channel, "")
    assert [(said.timestamp, said.text, said.thread_timestamp) for said in page.messages] == [("1.2", "", "")]


async def test_history_has_no_edits_joins_or_deletions(stage: Stage) -> None:
    stage.slack.add_user("alice")
    stage.slack.invite(stage.channel, "alice")
    edited = stage.slack.say("alice", stage.channel, "first")
    stage.slack.edit(stage.channel, edited, "second")
    deleted = stage.slack.say("alice", stage.channel, "gone")
    stage.slack.delete(stage.channel, deleted)

    page = await stage.chat.history(stage.channel, "")

    assert [said.text for said in page.messages] == ["second"]


# Users


async def test_a_user_is_looked_up_once_for_ten_minutes(stage: Stage) -> None:
    user_id = stage.slack.add_user("alice", display_name="Ali")
    await stage.chat.look_up(user_id)
    await stage.clock.advance(599)
    await stage.chat.look_up(user_id)
    assert stage.slack.counters["users.info"] == 1
    await stage.clock.advance(2)
    await stage.chat.look_up(user_id)
    assert stage.slack.counters["users.info"] == 2


async def test_simultaneous_look_ups_of_one_user_are_one_request(stage: Stage) -> None:
    user_id = stage.slack.add_user("alice", display_name="Ali")
    users = await asyncio.gather(*(stage.chat.look_up(user_id) for _ in range(50)))
    assert {user.name for user in users} == {"Ali"}
    assert stage.slack.counters["users.info"] == 1


async def test_simultaneous_look_ups_share_a_failure(stage: Stage) -> None:
    answers = await asyncio.gather(*(stage.chat.look_up("UNOBODY") for _ in range(20)), return_exceptions=True)
    assert all(isinstance(answer, ChatRejected) for answer in answers)
    assert stage.slack.counters["users.info"] == 1


async def test_a_failure_is_not_remembered(stage: Stage) -> None:
    user_id = stage.slack.add_user("alice")
    stage.slack.faults.plan("users.info", faults.http_status(500))
    with pytest.raises(Unreachable):
        await stage.chat.look_up(user_id)
    assert (await stage.chat.look_up(user_id)).id == user_id


async def test_who_gives_up_waiting_for_a_user_does_not_spoil_it_for_the_others(stage: Stage) -> None:
    user_id = stage.slack.add_user("alice")
    stage.slack.conditions.latency_seconds = 0.1
    for impatient in (0, 1):
        look_ups = [asyncio.create_task(stage.chat.look_up(user_id), name=f"look up {number}") for number in range(3)]
        await asyncio.sleep(0)
        look_ups.pop(impatient).cancel()
        assert [user.id for user in await asyncio.gather(*look_ups)] == [user_id, user_id]
        await stage.clock.advance(601)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"display_name": "Ali", "real_name": "Alice Liddell"}, "Ali"),
        ({"real_name": "Alice Liddell"}, "Alice Liddell"),
        ({}, "alice"),
    ],
)
async def test_a_name_is_the_display_name_or_the_real_name_or_the_handle(
    stage: Stage, names: dict[str, str], expected: str
) -> None:
    assert (await stage.chat.look_up(stage.slack.add_user("alice", **names))).name == expected


async def test_a_user_without_a_profile_has_empty_fields(stage: Stage) -> None:
    stage.slack.faults.plan("users.info", CannedResponse("bare", 200, b'{"ok": true, "user": {"profile": []}}'))
    assert await stage.chat.look_up("U1") == User("U1")


# Secrets


async def test_the_sdk_logs_nothing_even_where_everything_is_logged(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await stage.chat.post(OutgoingMessage(stage.channel, "a secret text"), IdempotencyKey("m1"))
    assert "secret" not in caplog.text
    assert "xox" not in caplog.text
