import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from adapters.slack.chat import SlackChat
from adapters.slack.errors import ApiCall
from adapters.slack.pagination import paginate
from adapters.slack.web_client import SlackWebClient
from domain.channels import ChannelId
from domain.errors import ChatRejected, RateLimited, Unreachable
from domain.json_values import JsonObject
from domain.messages import IdempotencyKey, OutgoingMessage, RichMessage
from domain.users import User
from entrypoints.simulation.faults import CannedResponse, Fault, Reset
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.server import SlackServer
from tests.support.scripted_http import Request, http_response, scripted_server

pytestmark = pytest.mark.virtual_time

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Environment:
    slack: SlackServer
    chat: SlackChat
    channel: ChannelId

    async def posted(self, fields: JsonObject, mark: IdempotencyKey | None = None) -> JsonObject:
        """Posts a rich message, and returns the arguments that Slack received."""
        await self.chat.post(RichMessage({"channel": self.channel, **fields}), mark)
        return self.slack.posts[-1].arguments


@pytest.fixture
async def environment() -> AsyncIterator[Environment]:
    async with SlackServer() as slack:
        web = SlackWebClient(slack.api_url, slack.bot_token, timeout_seconds=5)
        channel = slack.add_channel("ops", members=(slack.bot_user_id,))
        async with web.open():
            yield Environment(slack, SlackChat(web), ChannelId(channel))


# Posting


async def test_a_message_is_sent_with_its_channel_and_text_only(environment: Environment) -> None:
    await environment.chat.post(OutgoingMessage(environment.channel, "<!channel> &amp; *bold*"), None)
    assert environment.slack.posts[-1].arguments == {"channel": environment.channel, "text": "<!channel> &amp; *bold*"}


async def test_an_idempotency_key_is_sent_as_metadata(environment: Environment) -> None:
    await environment.chat.post(OutgoingMessage(environment.channel, "hello"), IdempotencyKey("m1"))
    metadata = {"event_type": "flyte_slack_delivery", "event_payload": {"id": "m1"}}
    assert environment.slack.posts[-1].arguments["metadata"] == metadata


async def test_unknown_fields_are_sent_unchanged(environment: Environment) -> None:
    fields: JsonObject = {"text": "hello", "self": 1, "json": {"a": [None, True]}, "unfurl_links": False}
    assert await environment.posted(fields) == {"channel": environment.channel, **fields}


async def test_a_token_among_the_fields_is_never_sent(environment: Environment) -> None:
    arguments = await environment.posted({"text": "hello", "token": "xoxp-other"})
    assert "token" not in arguments


@pytest.mark.parametrize("field", ["attachments", "blocks"])
@pytest.mark.parametrize("form", ["list", "text"])
async def test_lists_may_be_given_as_json_text(environment: Environment, field: str, form: str) -> None:
    parts: dict[str, tuple[list[JsonObject], str]] = {
        "attachments": ([{"text": "é"}], '[{"text": "é"}]'),
        "blocks": ([{"type": "divider"}], ' [{"type":"divider"}]\n'),
    }
    as_list, as_text = parts[field]
    arguments = await environment.posted({"text": "hello", field: as_text if form == "text" else [*as_list]})
    assert arguments[field] == as_list


async def test_empty_texts_of_templates_are_not_sent(environment: Environment) -> None:
    arguments = await environment.posted({"text": "hello", "blocks": "", "attachments": "", "thread_ts": ""})
    assert (arguments["blocks"], arguments["attachments"], arguments.get("thread_ts")) == ([], [], None)


async def test_invalid_blocks_are_left_for_slack_to_reject(environment: Environment) -> None:
    with pytest.raises(ChatRejected) as refusal:
        await environment.posted({"text": "hello", "blocks": "no json"})
    assert refusal.value.code.startswith("invalid_blocks")


@pytest.mark.parametrize("metadata", [None, ""])
async def test_empty_metadata_is_replaced_by_the_idempotency_key(
    environment: Environment, metadata: str | None
) -> None:
    arguments = await environment.posted({"text": "hello", "metadata": metadata}, IdempotencyKey("m1"))
    assert arguments["metadata"] == {"event_type": "flyte_slack_delivery", "event_payload": {"id": "m1"}}


async def test_the_receipt_names_the_channel_that_slack_posted_to(environment: Environment) -> None:
    receipt = await environment.chat.post(RichMessage({"channel": "#ops", "text": "hello"}), None)
    assert receipt.channel_id == environment.channel


async def test_a_rejected_idempotency_key_is_reported_with_slacks_code(environment: Environment) -> None:
    environment.slack.faults.plan("chat.postMessage", faults.error("metadata_too_large"))
    with pytest.raises(ChatRejected) as refusal:
        await environment.chat.post(OutgoingMessage(environment.channel, "hello"), IdempotencyKey("m1"))
    assert refusal.value.code == "metadata_too_large"


# Joining and leaving


@pytest.mark.parametrize("channel", ['{"id": "C1"}', '{"id": "C1", "is_member": null}', "null"])
async def test_what_slack_does_not_say_of_a_membership_is_not_taken_for_no(
    environment: Environment, channel: str
) -> None:
    body = f'{{"ok": true, "channel": {channel}}}'.encode()
    environment.slack.faults.plan("conversations.info", CannedResponse("silent", 200, body))
    with pytest.raises(ChatRejected, match="membership_unknown"):
        await environment.chat.is_member(environment.channel)


@pytest.mark.parametrize(
    "code", ["method_not_supported_for_channel_type", "channel_not_found", "missing_scope", "not_allowed_token_type"]
)
async def test_joining_succeeds_for_a_member_even_if_slack_rejects_it(environment: Environment, code: str) -> None:
    environment.slack.faults.plan("conversations.join", faults.error(code))
    await environment.chat.join(environment.channel)
    assert environment.slack.counters["conversations.info"] == 1


async def test_a_rejected_join_stays_rejected_if_membership_is_unknown(environment: Environment) -> None:
    environment.slack.faults.plan("conversations.join", faults.error("missing_scope", needed="channels:join"))
    environment.slack.faults.plan("conversations.info", faults.error("missing_scope", needed="channels:read"))
    with pytest.raises(ChatRejected, match="channels:join"):
        await environment.chat.join(environment.channel)


@pytest.mark.parametrize(("fault", "error"), [(faults.rate_limited(3), RateLimited), (Reset(), Unreachable)])
async def test_joining_can_be_retried_if_the_membership_request_failed(
    environment: Environment, fault: Fault, error: type[Exception]
) -> None:
    environment.slack.faults.plan("conversations.join", faults.error("method_not_supported_for_channel_type"))
    environment.slack.faults.plan("conversations.info", fault)
    with pytest.raises(error):
        await environment.chat.join(environment.channel)


@pytest.mark.parametrize(
    "fault",
    [
        CannedResponse("old documentation", 200, b'{"ok": true, "not_in_channel": true}'),
        CannedResponse("today", 200, b'{"ok": false, "not_in_channel": true}'),
        faults.error("not_in_channel"),
    ],
    ids=lambda fault: fault.name,
)
async def test_leaving_succeeds_for_each_form_of_not_in_channel(environment: Environment, fault: Fault) -> None:
    environment.slack.faults.plan("conversations.leave", fault)
    await environment.chat.leave(environment.channel)
    assert environment.slack.counters["faults"] == 1


# Pages


async def test_circular_pages_end(environment: Environment) -> None:
    body = b'{"ok": true, "channels": [], "response_metadata": {"next_cursor": "again"}}'
    environment.slack.faults.plan("users.conversations", CannedResponse("circle", 200, body), times=None)
    with pytest.raises(Unreachable):
        await environment.chat.memberships()
    assert environment.slack.counters["faults"] == 2


async def test_pages_without_an_end_end() -> None:
    def respond(_: Request) -> bytes:
        cursor = len(server.requests)
        return http_response(200, f'{{"ok": true, "channels": [], "response_metadata": {{"next_cursor": "{cursor}"}}}}')

    async with scripted_server(respond) as server:
        web = SlackWebClient(f"{server.url}/api/", "xoxb-1", timeout_seconds=5)
        async with web.open():
            with pytest.raises(Unreachable, match="endless_pages"):
                async for _ in paginate(web, ApiCall("conversations.list"), {}, page_size=10_000):
                    pass
    assert len(server.requests) == 100


async def test_malformed_channels_in_a_list_are_skipped(environment: Environment) -> None:
    body = b'{"ok": true, "channels": [null, {"id": 7}, {"id": "C1"}, {}], "response_metadata": null}'
    environment.slack.faults.plan("users.conversations", CannedResponse("odd", 200, body))
    assert await environment.chat.memberships() == {"C1"}


async def test_a_post_is_found_many_pages_back(environment: Environment) -> None:
    message = OutgoingMessage(environment.channel, "hello")
    receipt = await environment.chat.post(message, IdempotencyKey("m1"))
    for number in range(500):
        environment.slack.say("owner", environment.channel, str(number))
    assert await environment.chat.find_posted(message, IdempotencyKey("m1"), LONG_AGO) == receipt


async def test_malformed_messages_in_the_history_are_skipped(environment: Environment) -> None:
    body = b'{"ok": true, "messages": [null, {"text": "no ts"}, {"ts": "1.2", "text": 7, "thread_ts": null}, []]}'
    environment.slack.faults.plan("conversations.history", CannedResponse("odd", 200, body))
    page = await environment.chat.history(environment.channel, "")
    assert [(said.timestamp, said.text, said.thread_timestamp) for said in page.messages] == [("1.2", "", "")]


async def test_history_has_no_edits_joins_or_deletions(environment: Environment) -> None:
    environment.slack.add_user("alice")
    environment.slack.invite(environment.channel, "alice")
    edited = environment.slack.say("alice", environment.channel, "first")
    environment.slack.edit(environment.channel, edited, "second")
    deleted = environment.slack.say("alice", environment.channel, "gone")
    environment.slack.delete(environment.channel, deleted)

    page = await environment.chat.history(environment.channel, "")

    assert [said.text for said in page.messages] == ["second"]


# Users


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"display_name": "Ali", "real_name": "Alice Liddell"}, "Ali"),
        ({"real_name": "Alice Liddell"}, "Alice Liddell"),
        ({}, "alice"),
    ],
)
async def test_a_name_is_the_display_name_or_the_real_name_or_the_handle(
    environment: Environment, names: dict[str, str], expected: str
) -> None:
    assert (await environment.chat.look_up(environment.slack.add_user("alice", **names))).name == expected


async def test_a_user_without_a_profile_has_empty_fields(environment: Environment) -> None:
    environment.slack.faults.plan("users.info", CannedResponse("bare", 200, b'{"ok": true, "user": {"profile": []}}'))
    assert await environment.chat.look_up("U1") == User("U1")


# Secrets


async def test_the_sdk_logs_nothing_at_debug_level(environment: Environment, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await environment.chat.post(OutgoingMessage(environment.channel, "a secret text"), IdempotencyKey("m1"))
    assert "secret" not in caplog.text
    assert "xox" not in caplog.text
