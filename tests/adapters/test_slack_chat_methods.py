"""What Slack's Web API gets for each method of the chat, and what its errors and lost answers become."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from adapters.slack.chat import SlackChat
from adapters.slack.web_client import SlackWebClient
from domain.channels import ChannelId
from domain.errors import ChannelInaccessible, ChatError, ChatRejected, InDoubt, RateLimited, Unreachable
from domain.files import Upload
from domain.json_values import JsonObject
from domain.messages import OutgoingMessage
from entrypoints.simulation.faults import CannedResponse, Reset
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.server import SlackServer
from tests.support.scripted_http import http_response, scripted_server

pytestmark = pytest.mark.virtual_time

MODAL: JsonObject = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": []}
HOME: JsonObject = {"type": "home", "blocks": []}
TRIGGER = "trigger.secret"
TIME = datetime(2030, 1, 1, tzinfo=UTC)
ALICE = "UALICE"


@dataclass
class Environment:
    slack: SlackServer
    chat: SlackChat
    channel: ChannelId

    @property
    def response_url(self) -> str:
        return self.slack.response_urls.new(self.slack.workspace.channel(self.channel), ALICE)

    @property
    def upload(self) -> Upload:
        return Upload("F1", f"{self.slack.url}/upload/v1/secret")

    def calls(self, method: str) -> list[JsonObject]:
        """Returns the arguments of each call."""
        return [call.arguments for call in self.slack.calls if call.method == method]


@pytest.fixture
async def environment() -> AsyncIterator[Environment]:
    async with SlackServer() as slack:
        web = SlackWebClient(slack.api_url, slack.bot_token, timeout_seconds=5)
        slack.add_user("alice", user_id=ALICE)
        channel = slack.add_channel("ops", members=(slack.bot_user_id, ALICE))
        async with web.open():
            yield Environment(slack, SlackChat(web), ChannelId(channel))


@dataclass(frozen=True)
class Case:
    """A method of the chat, and the target of its request at Slack."""

    target: str
    request: Callable[[Environment], Awaitable[object]]
    is_repeatable: bool = True

    def __str__(self) -> str:
        return self.target


CASES = [
    Case("chat.update", lambda e: e.chat.update(e.channel, "1.2", {"text": "x"})),
    Case("chat.delete", lambda e: e.chat.delete(e.channel, "1.2"), is_repeatable=False),
    Case("reactions.add", lambda e: e.chat.add_reaction(e.channel, "1.2", "tada")),
    Case("reactions.remove", lambda e: e.chat.remove_reaction(e.channel, "1.2", "tada")),
    Case("chat.postEphemeral", lambda e: e.chat.post_ephemeral(e.channel, ALICE, {"text": "x"}), is_repeatable=False),
    Case("chat.scheduleMessage", lambda e: e.chat.schedule(e.channel, TIME, {"text": "x"}), is_repeatable=False),
    Case("chat.scheduledMessages.list", lambda e: e.chat.find_scheduled(e.channel, TIME, "x")),
    Case("chat.deleteScheduledMessage", lambda e: e.chat.cancel_scheduled(e.channel, "Q1"), is_repeatable=False),
    Case("response_url", lambda e: e.chat.respond(e.response_url, {"text": "x"}), is_repeatable=False),
    Case("chat.getPermalink", lambda e: e.chat.permalink(e.channel, "1.2")),
    Case("chat.getPermalink", lambda e: e.chat.thread_of(e.channel, "1.2")),
    Case("conversations.history", lambda e: e.chat.message_at(e.channel, "1.2")),
    Case("conversations.replies", lambda e: e.chat.message_at(e.channel, "1.2")),
    Case("views.open", lambda e: e.chat.open_view(TRIGGER, MODAL), is_repeatable=False),
    Case("views.update", lambda e: e.chat.update_view(MODAL, view_id="V1", external_id="", view_hash="")),
    Case(
        "views.update",
        lambda e: e.chat.update_view(MODAL, view_id="V1", external_id="", view_hash="h"),
        is_repeatable=False,
    ),
    Case("views.publish", lambda e: e.chat.publish_home(ALICE, HOME)),
    Case("files.getUploadURLExternal", lambda e: e.chat.begin_upload("x", 1)),
    Case("upload", lambda e: e.chat.upload(e.upload, b"x")),
    Case(
        "files.completeUploadExternal",
        lambda e: e.chat.finish_upload("F1", e.channel, title="", message="", thread_timestamp=""),
        is_repeatable=False,
    ),
    Case("files.info", lambda e: e.chat.find_shared("F1", e.channel)),
    Case("conversations.list", lambda e: e.chat.channels()),
    Case("conversations.info", lambda e: e.chat.channel_info(e.channel)),
    Case("users.lookupByEmail", lambda e: e.chat.find_user("alice@example.com")),
    Case("conversations.open", lambda e: e.chat.open_direct(ALICE)),
    Case("pins.add", lambda e: e.chat.call_method("pins.add", {"channel": e.channel}), is_repeatable=False),
]


async def error_of(request: Awaitable[object]) -> ChatError:
    with pytest.raises(ChatError) as failure:
        await request
    return failure.value


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("fault", [Reset(after_effect=True), faults.http_status(500)], ids=lambda fault: fault.name)
async def test_a_lost_answer_is_in_doubt_unless_the_request_may_be_repeated(
    environment: Environment, case: Case, fault: Reset | CannedResponse
) -> None:
    environment.slack.faults.plan(case.target, fault)
    error = await error_of(case.request(environment))
    assert type(error) is (Unreachable if case.is_repeatable else InDoubt)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_limit_tells_how_long_to_wait(environment: Environment, case: Case) -> None:
    environment.slack.faults.plan(case.target, faults.rate_limited(7))
    error = await error_of(case.request(environment))
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 7


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_refusal_is_permanent(environment: Environment, case: Case) -> None:
    status = 400 if case.target in ("response_url", "upload") else 200
    body = b'{"ok": false, "error": "restricted_action"}'
    environment.slack.faults.plan(case.target, CannedResponse("refusal", status, body))
    error = await error_of(case.request(environment))
    assert isinstance(error, ChatRejected)
    assert error.code == "restricted_action"


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_no_request_is_sent_twice(environment: Environment, case: Case) -> None:
    environment.slack.faults.plan(case.target, Reset(), times=None)
    await error_of(case.request(environment))
    assert environment.slack.counters["faults"] == 1


# Messages


async def test_an_update_leaves_out_fields_that_only_posts_have(environment: Environment) -> None:
    receipt = await environment.chat.post(OutgoingMessage(environment.channel, "red"), None)
    fields: JsonObject = {
        "text": "green",
        "unfurl_links": False,
        "username": "pager",
        "icon_emoji": ":fire:",
        "thread_ts": "1.2",
        "token": "xoxp-other",
        "blocks": '[{"type": "divider"}]',
        "channel": "C0OTHER",
        "link_names": True,
    }

    await environment.chat.update(environment.channel, receipt.timestamp, fields)

    assert environment.calls("chat.update") == [
        {
            "channel": environment.channel,
            "ts": receipt.timestamp,
            "text": "green",
            "blocks": [{"type": "divider"}],
            "link_names": True,
        }
    ]


async def test_an_update_with_empty_metadata_leaves_the_message_its_mark(environment: Environment) -> None:
    receipt = await environment.chat.post(OutgoingMessage(environment.channel, "x"), None)

    await environment.chat.update(environment.channel, receipt.timestamp, {"text": "y", "metadata": ""})

    assert "metadata" not in environment.calls("chat.update")[0]


async def test_a_scheduled_message_is_sent_without_metadata_and_posted(environment: Environment) -> None:
    now = datetime.now(UTC)
    metadata: JsonObject = {"event_type": "mine", "event_payload": {}}
    await environment.chat.schedule(environment.channel, now + timedelta(hours=1), {"text": "x", "metadata": metadata})

    environment.slack.clock_offset_seconds = 3601

    await environment.slack.wait_for(lambda: [post.text for post in environment.slack.posts] == ["x"])


async def test_a_scheduled_message_is_found_on_a_later_page(environment: Environment) -> None:
    first = '{"ok": true, "scheduled_messages": [], "response_metadata": {"next_cursor": "more"}}'
    seconds = int(TIME.timestamp())
    entry = f'{{"id": "Q1", "post_at": {seconds}, "text": "x"}}'
    second = f'{{"ok": true, "scheduled_messages": [null, {entry}]}}'
    for body in (first, second):
        environment.slack.faults.plan("chat.scheduledMessages.list", CannedResponse("page", 200, body.encode()))

    assert await environment.chat.find_scheduled(environment.channel, TIME, "x") == "Q1"


async def test_a_scheduled_message_is_found_although_slack_escapes_its_text(environment: Environment) -> None:
    entry = f'{{"id": "Q1", "post_at": {int(TIME.timestamp())}, "text": "&lt;a&gt; &amp; b"}}'
    body = f'{{"ok": true, "scheduled_messages": [{entry}]}}'
    environment.slack.faults.plan("chat.scheduledMessages.list", CannedResponse("escaped", 200, body.encode()))

    assert await environment.chat.find_scheduled(environment.channel, TIME, "<a> & b") == "Q1"


async def test_a_person_outside_the_channel_does_not_cast_doubt_on_the_bot_s_membership(
    environment: Environment,
) -> None:
    environment.slack.add_user("bob", user_id="UBOB")
    error = await error_of(environment.chat.post_ephemeral(environment.channel, "UBOB", {"text": "x"}))
    assert error.code == "user_not_in_channel"
    assert not isinstance(error, ChannelInaccessible)


async def test_malformed_blocks_are_reported_with_their_place(environment: Environment) -> None:
    receipt = await environment.chat.post(OutgoingMessage(environment.channel, "red"), None)
    blocks: JsonObject = {"blocks": [{"type": "divider"}, {"type": "unheard-of"}]}
    error = await error_of(environment.chat.update(environment.channel, receipt.timestamp, blocks))
    assert error.code == "invalid_blocks"
    assert "/blocks/1" in str(error)


async def test_the_places_of_errors_are_bounded_and_without_secrets(environment: Environment) -> None:
    messages = [f"[ERROR] {TRIGGER} is bad [json-pointer:/view] " + "x" * 1000] * 100
    environment.slack.faults.plan(
        "views.open", faults.error("invalid_arguments", response_metadata={"messages": messages})
    )
    error = await error_of(environment.chat.open_view(TRIGGER, MODAL))
    assert "[hidden] is bad [json-pointer:/view]" in str(error)
    assert TRIGGER not in str(error)
    assert len(str(error)) < 1000


# Other methods


async def test_structured_arguments_of_any_method_are_sent_as_slack_reads_forms(environment: Environment) -> None:
    arguments: JsonObject = {
        "users": ["U1", "U2"],
        "blocks": [{"type": "divider"}],
        "flag": True,
        "count": 7,
        "none": None,
        "token": "xoxp-other",
    }
    await error_of(environment.chat.call_method("no.suchMethod", arguments))
    assert environment.calls("no.suchMethod") == [
        {"users": "U1,U2", "blocks": '[{"type":"divider"}]', "flag": "true", "count": "7"}
    ]


async def test_the_response_of_any_method_is_returned_whole(environment: Environment) -> None:
    assert await environment.chat.call_method("api.test", {"foo": "bar"}) == {"ok": True, "args": {"foo": "bar"}}


async def test_a_shared_file_needs_no_scope_to_read_files(environment: Environment) -> None:
    environment.slack.access.scopes.discard("files:read")
    body = b'{"ok": true, "files": [{"id": "F1", "title": "x"}]}'
    environment.slack.faults.plan("files.completeUploadExternal", CannedResponse("short", 200, body))
    shared = await environment.chat.finish_upload("F1", environment.channel, title="", message="", thread_timestamp="")
    assert (shared.id, shared.permalink) == ("F1", "")


async def test_channels_without_an_id_of_text_are_left_out_of_the_list(environment: Environment) -> None:
    body = b'{"ok": true, "channels": [{"id": 5}, {"id": ["C1"]}, {"id": ""}, {}, null, {"id": "C7", "name": "ops"}]}'
    environment.slack.faults.plan("conversations.list", CannedResponse("odd", 200, body))
    assert [channel.id for channel in await environment.chat.channels()] == ["C7"]


async def test_a_permalink_that_is_no_address_can_not_be_read(environment: Environment) -> None:
    body = b'{"ok": true, "permalink": "https://[slack"}'
    environment.slack.faults.plan("chat.getPermalink", CannedResponse("odd", 200, body))
    error = await error_of(environment.chat.thread_of(environment.channel, "1.2"))
    assert error.code == "unreadable_answer"


async def test_a_response_that_can_not_be_sent_had_no_effect(environment: Environment) -> None:
    url = environment.response_url
    await environment.slack.go_down()
    error = await error_of(environment.chat.respond(url, {"text": "x"}))
    assert isinstance(error, Unreachable)
    assert url not in str(error)


async def test_views_are_sent_as_json_and_reactions_as_forms() -> None:
    answer = http_response(200, '{"ok": true, "view": {"id": "V1", "hash": "h"}}')
    async with scripted_server(lambda _: answer) as server:
        web = SlackWebClient(f"{server.url}/api/", "xoxb-1", timeout_seconds=5)
        async with web.open():
            chat = SlackChat(web)
            await chat.add_reaction(ChannelId("C1"), "1.2", "tada")
            await chat.publish_home("U1", HOME)

    reaction, view = server.requests
    assert parse_qs(reaction.body.decode()) == {"channel": ["C1"], "timestamp": ["1.2"], "name": ["tada"]}
    assert view.headers["content-type"].startswith("application/json")
