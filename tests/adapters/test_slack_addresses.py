"""The addresses besides the Web API to which the pack sends: responses to interactions, and contents of files."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from adapters.slack.chat import SlackChat
from adapters.slack.web_client import SlackWebClient
from domain.errors import ChatRejected, InDoubt, Unreachable
from domain.files import Upload
from tests.adapters.test_slack_chat_methods import error_of
from tests.support.scripted_http import Request, ScriptedServer, http_response, scripted_server

pytestmark = pytest.mark.virtual_time

FOREIGN = [
    "https://attacker.example/actions/secret",
    "http://hooks.slack.com/actions/secret",
    "https://hooks.slack.com:8443/actions/secret",
    "https://user@hooks.slack.com/actions/secret",
    "https://hooks.slack.com@attacker.example/secret",
    "https://hooks.slack.com.attacker.example/secret",
    "https://hooks.slack.com\\@attacker.example/secret",
    "https://hooks.slack-gov.com/actions/secret",
    "http://127.0.0.1:1/secret",
    "file:///secret",
    "/secret",
    "secret",
    "",
]


@pytest.mark.parametrize("address", FOREIGN)
async def test_nothing_is_sent_to_other_hosts(address: str) -> None:
    chat = SlackChat(SlackWebClient("https://slack.com/api/", "xoxb-1"))
    for request in (chat.respond(address, {"text": "x"}), chat.upload(Upload("F1", address), b"x")):
        error = await error_of(request)
        assert isinstance(error, ChatRejected)
        assert error.code == "foreign_host"
        assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("api_url", "host", "is_own"),
    [
        ("https://slack.com/api/", "hooks.slack.com", True),
        ("https://slack.com/api/", "files.slack.com", True),
        ("https://slack.com/api/", "hooks.slack-gov.com", False),
        ("https://slack-gov.com/api/", "hooks.slack-gov.com", True),
        ("https://slack-gov.com/api/", "files.slack-gov.com", True),
        ("https://not-slack-gov.com/api/", "hooks.slack-gov.com", False),
    ],
)
async def test_slack_s_own_hosts_depend_on_the_api_s(api_url: str, host: str, is_own: bool) -> None:
    # Requests go nowhere: the client is not open.
    chat = SlackChat(SlackWebClient(api_url, "xoxb-1"))
    error = await error_of(chat.respond(f"https://{host}/actions/secret", {"text": "x"}))
    assert error.code == ("not_open" if is_own else "foreign_host")


@dataclass
class Scripted:
    """A Slack that answers each request at an address with the same bytes."""

    server: ScriptedServer
    chat: SlackChat

    async def respond(self) -> None:
        await self.chat.respond(f"{self.server.url}/actions/secret", {"text": "on it", "blocks": "[]"})


async def scripted(answer: bytes, request: Callable[[Scripted], Awaitable[None]]) -> list[Request]:
    async with scripted_server(lambda _: answer) as server:
        web = SlackWebClient(f"{server.url}/api/", "xoxb-1", timeout_seconds=5)
        async with web.open():
            await request(Scripted(server, SlackChat(web)))
        return server.requests


@pytest.mark.parametrize("body", ["ok", "", "OK\n", '{"ok": true}', "{}"])
async def test_a_response_is_sent_as_json_without_the_token(body: str) -> None:
    (request,) = await scripted(http_response(200, body), Scripted.respond)
    assert (request.method, request.target) == ("POST", "/actions/secret")
    assert request.body == b'{"text":"on it","blocks":[]}'
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http_response(200, '{"ok": false, "error": "used_url"}'), "used_url"),
        (http_response(404, '{"ok": false, "error": "expired_url"}'), "expired_url"),
        (http_response(404, "used_url", content_type="text/plain"), "used_url"),
        (http_response(200, "invalid_blocks", content_type="text/html"), "invalid_blocks"),
        (http_response(404, "<html>", content_type="text/html"), "http_404"),
        (http_response(410), "http_410"),
        (http_response(403), "http_403"),
        (http_response(302, "", Location="http://127.0.0.1:1/"), "redirected"),
        (http_response(307, "", Location="http://127.0.0.1:1/"), "redirected"),
    ],
)
async def test_a_refused_response_is_permanent(answer: bytes, code: str) -> None:
    with pytest.raises(ChatRejected) as refusal:
        await scripted(answer, Scripted.respond)
    assert refusal.value.code == code
    assert "secret" not in str(refusal.value)


async def test_a_word_in_an_outage_is_no_code_of_slack() -> None:
    with pytest.raises(Unreachable) as failure:
        await scripted(http_response(503, "maintenance", content_type="text/plain"), Scripted.respond)
    assert failure.value.code == "service_unavailable"


@pytest.mark.parametrize(
    "answer", [http_response(200, "<html>A proxy's page</html>"), http_response(502, "<html>"), b"", b"HTTP/1.1 200 OK"]
)
async def test_a_response_without_a_readable_answer_is_in_doubt(answer: bytes) -> None:
    with pytest.raises(InDoubt) as failure:
        await scripted(answer, Scripted.respond)
    assert "secret" not in str(failure.value)


async def test_content_is_uploaded_unchanged_and_without_the_token() -> None:
    async def upload(slack: Scripted) -> None:
        await slack.chat.upload(Upload("F1", f"{slack.server.url}/upload/v1/secret"), b"\x00\xff")

    (request,) = await scripted(http_response(200, "OK - 2", content_type="text/plain"), upload)
    assert (request.target, request.body) == ("/upload/v1/secret", b"\x00\xff")
    assert "authorization" not in request.headers
