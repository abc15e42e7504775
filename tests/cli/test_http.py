"""The HTTP port over a real socket."""

import asyncio
import errno
import io
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from application.health import HealthRegistry
from domain.json_values import JsonObject
from entrypoints.container.ports import HEALTH_CHECKS
from entrypoints.http import SLACK_PATH, HttpServer, PortUnavailable, RenderMetrics, SlackRequestHandler, url_at

MIB = 1024 * 1024
HEAD = b"POST /slack/events HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture
def health() -> HealthRegistry:
    return HealthRegistry(HEALTH_CHECKS)


@pytest.fixture
async def url(health: HealthRegistry) -> AsyncIterator[str]:
    async with running_server(health) as server:
        yield server.url


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def slack_url() -> AsyncIterator[str]:
    """The URL of a handler that echoes Slack's requests."""
    async with running_server(slack_handler=SlackRequests()) as server:
        yield server.url + SLACK_PATH


@asynccontextmanager
async def running_server(
    health: HealthRegistry | None = None,
    slack_handler: SlackRequestHandler | None = None,
    wait_seconds: float = 10.0,
    metrics: RenderMetrics | None = None,
) -> AsyncIterator[HttpServer]:
    server = HttpServer(
        health or HealthRegistry(HEALTH_CHECKS),
        host="127.0.0.1",
        port=0,
        slack_handler=slack_handler,
        wait_seconds=wait_seconds,
        metrics=metrics,
    )
    async with server.open():
        yield server


async def echo(headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
    return 200, f"{headers.get('x-slack-signature')} {len(body)} {body[:20]!r}"


class SlackRequests:
    """Refuses requests with the header `Refused` unread, and has `respond` answer the others."""

    def __init__(
        self, respond: Callable[[Mapping[str, str], bytes], Awaitable[tuple[int, str | JsonObject]]] = echo
    ) -> None:
        self._respond = respond
        self.is_receiving = True

    def refuse(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        return (401, "refused") if "Refused" in headers else None

    async def handle_request(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str | JsonObject]:
        return await self._respond(headers, body)


@asynccontextmanager
async def connected(url: str, sent: bytes = b"") -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which this was sent."""
    reader, writer = await asyncio.open_connection(*url.removeprefix("http://").split("/")[0].split(":"))
    writer.write(sent)
    try:
        yield reader
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Reads to the end of the connection, which the server has to reach."""
    async with asyncio.timeout(2):
        with suppress(ConnectionError):
            await reader.read()
    return True


def all_healthy(health: HealthRegistry) -> None:
    for check in HEALTH_CHECKS:
        health.reporter(check).report(healthy=True, status="fine")


async def test_health_is_500_until_every_check_is_healthy(url: str, session: ClientSession) -> None:
    async with session.get(url) as response:
        assert response.status == 500
        assert await response.json() == {check: {"healthy": False, "status": "starting"} for check in HEALTH_CHECKS}


async def test_health_is_200_when_every_check_is_healthy(
    health: HealthRegistry, url: str, session: ClientSession
) -> None:
    all_healthy(health)

    async with session.get(url) as response:
        assert response.status == 200
        assert await response.json() == {check: {"healthy": True, "status": "fine"} for check in HEALTH_CHECKS}


async def test_one_unhealthy_check_is_enough_for_500(health: HealthRegistry, url: str, session: ClientSession) -> None:
    all_healthy(health)
    health.reporter("slack").report(healthy=False, status="out of reach")

    async with session.get(url) as response:
        assert response.status == 500
        assert (await response.json())["slack"] == {"healthy": False, "status": "out of reach"}


async def test_health_lists_the_checks_in_order_as_json(url: str, session: ClientSession) -> None:
    async with session.get(url) as response:
        assert response.content_type == "application/json"
        assert list(json.loads(await response.text())) == ["flyte", "slack", "storage", "outbox"]


async def test_liveness_is_200_whatever_the_checks_say(url: str, session: ClientSession) -> None:
    async with session.get(f"{url}/live") as response:
        assert response.status == 200


@pytest.mark.parametrize(("path", "status"), [("/", 500), ("/live", 200)])
async def test_a_head_request_gets_no_body(path: str, status: int, url: str, session: ClientSession) -> None:
    async with session.head(url + path) as response:
        assert (response.status, await response.read()) == (status, b"")


async def test_other_paths_and_methods_are_rejected(url: str, session: ClientSession) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("GET", "/metrics", 404),
        ("POST", "/", 405),
        ("POST", "/slack/events", 404),
    ):
        async with session.request(method, url + path, data=b"x") as response:
            assert response.status == status


async def test_metrics_come_in_the_format_that_is_asked_for(session: ClientSession) -> None:
    def render(accept: str) -> tuple[bytes, str]:
        return f"accepts {accept}".encode(), "text/plain; version=0.0.4; charset=utf-8"

    async with running_server(metrics=render) as server:
        async with session.get(f"{server.url}/metrics", headers={"Accept": "text/plain;q=0.5"}) as response:
            assert (response.status, await response.text()) == (200, "accepts text/plain;q=0.5")
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert response.headers["Cache-Control"] == "no-store"
        async with session.head(f"{server.url}/metrics") as response:
            assert (response.status, await response.read()) == (200, b"")
        async with session.post(f"{server.url}/metrics") as response:
            assert response.status == 405


@pytest.mark.parametrize("path", ["/", "/live", "/slack/events", "/nowhere"])
async def test_a_body_over_one_mib_is_rejected_on_every_path(path: str, slack_url: str, session: ClientSession) -> None:
    async with session.post(slack_url.replace(SLACK_PATH, path), data=io.BytesIO(b"x" * (MIB + 1))) as response:
        assert response.status == 413


async def test_a_body_over_one_mib_of_undeclared_length_is_rejected(slack_url: str, session: ClientSession) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"x" * (MIB // 16)

    async with session.post(slack_url, data=pieces()) as response:
        assert response.status == 413


async def test_slack_requests_reach_their_handler_unchanged(slack_url: str, session: ClientSession) -> None:
    signed = {"X-Slack-Signature": "v0=1"}

    async with session.post(slack_url, data=b"\xff{not json", headers=signed) as response:
        assert (response.status, await response.text()) == (200, "v0=1 10 b'\\xff{not json'")


async def test_a_body_of_exactly_one_mib_is_accepted(slack_url: str, session: ClientSession) -> None:
    signed = {"X-Slack-Signature": "v0=1"}

    async with session.post(slack_url, data=b"x" * MIB, headers=signed) as response:
        assert response.status == 200


async def test_the_handler_decides_status_and_text(session: ClientSession) -> None:
    async def reject(_: Mapping[str, str], __: bytes) -> tuple[int, str]:
        return 401, "wrong signature"

    async with (
        running_server(slack_handler=SlackRequests(reject)) as server,
        session.post(server.url + SLACK_PATH, data=b"x") as response,
    ):
        assert (response.status, await response.text()) == (401, "wrong signature")


async def test_a_bug_in_the_handler_is_500_without_details(session: ClientSession) -> None:
    async def fail(_: Mapping[str, str], __: bytes) -> tuple[int, str]:
        raise RuntimeError("hush")

    async with (
        running_server(slack_handler=SlackRequests(fail)) as server,
        session.post(server.url + SLACK_PATH, data=b"x") as response,
    ):
        assert response.status == 500
        assert "hush" not in await response.text()


async def test_the_pack_is_ready_while_its_storage_works(
    health: HealthRegistry, url: str, session: ClientSession
) -> None:
    for healthy, status in ((None, 503), (True, 200), (False, 503)):
        if healthy is not None:
            health.reporter("storage").report(healthy=healthy, status="so")
        async with session.get(f"{url}/ready") as response:
            assert (response.status, await response.json()) == (status, {"ready": status == 200})


async def test_a_request_is_refused_before_its_body_is_read(slack_url: str) -> None:
    async with connected(slack_url, HEAD + b"Refused: 1\r\nContent-Length: %d\r\n\r\n" % MIB) as reader:
        assert await reader.readline() == b"HTTP/1.1 401 Unauthorized\r\n"


async def test_a_chunked_body_of_one_mib_is_accepted_and_one_byte_more_is_not(
    slack_url: str, session: ClientSession
) -> None:
    async def pieces(size: int) -> AsyncIterator[bytes]:
        yield b"x" * MIB
        yield b"x" * (size - MIB)

    for size, status in ((MIB, 200), (MIB + 1, 413)):
        async with session.post(slack_url, data=pieces(size)) as response:
            assert response.status == status


async def test_a_compressed_body_is_not_inflated(slack_url: str, session: ClientSession) -> None:
    async with session.post(slack_url, data=b"1f8b", headers={"Content-Encoding": "gzip"}) as response:
        assert await response.text() == "None 4 b'1f8b'"


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost:",
        HEAD + b"Content-Length: 5\r\n\r\n1234",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n1234",
        b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=["nothing", "half a header", "half a body", "half a chunk", "nothing more after a request"],
)
async def test_a_silent_connection_is_closed(sent: bytes) -> None:
    async with (
        running_server(slack_handler=SlackRequests(), wait_seconds=0.1) as server,
        connected(server.url, sent) as reader,
    ):
        assert await is_closed(reader)


async def test_a_slow_connection_is_closed_although_it_sends() -> None:
    async with running_server(slack_handler=SlackRequests(), wait_seconds=0.3) as server:
        address = server.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(*address)
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")

        async def trickle() -> None:
            while True:
                writer.write(b"1\r\nx\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(trickle(), 3)
        assert await is_closed(reader)
        writer.close()


async def test_a_connection_that_brought_a_request_of_slack_stays_open() -> None:
    async with (
        running_server(slack_handler=SlackRequests(), wait_seconds=0.1) as server,
        connected(server.url, HEAD + b"Content-Length: 1\r\n\r\nx") as slack,
        connected(server.url) as stranger,
    ):
        assert await is_closed(stranger)
        assert not slack.at_eof()


async def test_many_idle_connections_leave_room_for_health(session: ClientSession) -> None:
    async with running_server() as server, AsyncExitStack() as stack:
        first, *_ = [await stack.enter_async_context(connected(server.url)) for _ in range(600)]
        async with session.get(f"{server.url}/live") as response:
            assert response.status == 200
        assert await is_closed(first)


async def test_unfinished_headers_in_hand_are_limited(session: ClientSession) -> None:
    head = b"GET / HTTP/1.1\r\n" + (b"X: " + b"x" * 8000 + b"\r\n") * 60
    async with running_server() as server, AsyncExitStack() as stack:
        small = await stack.enter_async_context(connected(server.url, b"GET / HTTP/1.1\r\n"))
        large = [await stack.enter_async_context(connected(server.url, head)) for _ in range(60)]
        async with session.get(f"{server.url}/live") as response:
            assert response.status == 200
        assert any(reader.at_eof() or reader.exception() for reader in large)
        assert not small.at_eof()


async def test_bodies_in_hand_are_limited_and_small_ones_go_through(session: ClientSession) -> None:
    head = HEAD + b"Content-Length: %d\r\n\r\n" % MIB
    async with running_server(slack_handler=SlackRequests()) as server, AsyncExitStack() as stack:
        small = await stack.enter_async_context(connected(server.url, head + b"x"))
        large = [await stack.enter_async_context(connected(server.url, head + b"x" * (MIB - 1))) for _ in range(60)]
        async with session.post(server.url + SLACK_PATH, data=b"hello") as response:
            assert response.status == 200
        assert any(reader.at_eof() or reader.exception() for reader in large)
        assert not small.at_eof()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET http://[:: HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 5000 + b"\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n",
        HEAD + b"Transfer-Encoding: gzip\r\n\r\nabc",
        HEAD + b"Content-Length: -3\r\n\r\nabc",
        HEAD + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nabc",
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
async def test_a_malformed_request_gets_400_and_at_most_a_line_without_traceback(sent: bytes, slack_url: str) -> None:
    with capture_logs() as logs:
        async with connected(slack_url, sent) as reader:
            assert b" 400 " in await reader.readline()

    assert all(line["event"] == "http_request_malformed" for line in logs)
    assert all(len(str(line)) < 300 for line in logs)


@pytest.mark.parametrize("host", [b"a b", b"[::1", b"a:99999999", b"a:xx", b"a@b/c?d", b"\xff\xfe", b"a" * 8000, b""])
@pytest.mark.parametrize("path", [b"/live", b"/nowhere", b"/slack/events", b"/live?%zz=%ff", b"/%zz%ff", b"//live"])
async def test_no_host_and_no_path_causes_an_error(host: bytes, path: bytes, slack_url: str) -> None:
    with capture_logs() as logs:
        async with connected(slack_url, b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (path, host)) as reader:
            status = int((await reader.readline()).split()[1])

    assert status in (200, 400, 404, 405)
    assert not logs


async def test_a_connection_that_ends_within_a_body_is_not_logged(slack_url: str) -> None:
    with capture_logs() as logs:
        reader, writer = await asyncio.open_connection(*slack_url.removeprefix("http://").split("/")[0].split(":"))
        writer.write(HEAD + b"Content-Length: 30\r\n\r\nabc")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert await is_closed(reader)

    assert not logs


async def test_garbage_on_the_port_does_no_harm(url: str, session: ClientSession) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"\x16\x03\x01\x00 this is no HTTP\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    await writer.wait_closed()

    async with session.get(f"{url}/live") as response:
        assert response.status == 200


async def test_the_log_names_the_url() -> None:
    with capture_logs() as logs:
        async with running_server() as server:
            pass

    assert logs == [{"event": "listening", "log_level": "info", "url": server.url}]
    assert not server.url.endswith((":0", "/"))


async def test_a_closed_server_accepts_no_connections() -> None:
    async with running_server() as server:
        host, port = server.url.removeprefix("http://").split(":")

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))


async def test_an_idle_connection_does_not_delay_closing(session: ClientSession) -> None:
    async with asyncio.timeout(2), running_server() as server, session.get(f"{server.url}/live") as response:
        await response.read()


def test_an_ipv6_address_is_put_in_brackets() -> None:
    assert url_at("::1", 8090) == "http://[::1]:8090"


async def test_a_port_in_use_is_an_error_that_names_the_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(PortUnavailable, match=f"^FLYTE_SLACK_HTTP_PORT: port {port} is in use") as caught:
            async with HttpServer(HealthRegistry(HEALTH_CHECKS), host="127.0.0.1", port=port).open():
                pass

    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EADDRINUSE


async def test_a_host_of_another_machine_is_an_error_that_names_the_variable() -> None:
    with pytest.raises(PortUnavailable, match=r"^FLYTE_SLACK_HTTP_HOST: can't listen on '192\.0\.2\.1'"):
        async with HttpServer(HealthRegistry(HEALTH_CHECKS), host="192.0.2.1", port=0).open():
            pass


@pytest.mark.parametrize(("is_receiving", "status"), [(True, 200), (False, 503)])
async def test_the_pack_is_ready_once_it_takes_the_requests_of_slack(*, is_receiving: bool, status: int) -> None:
    health = HealthRegistry(["storage"])
    health.reporter("storage").report(healthy=True, status="working")
    slack = SlackRequests()
    slack.is_receiving = is_receiving
    async with (
        ClientSession() as session,
        running_server(health, slack_handler=slack) as server,
        session.get(f"{server.url}/ready") as response,
    ):
        assert response.status == status


async def test_a_response_to_slack_may_be_json(session: ClientSession) -> None:
    async def reply(_headers: Mapping[str, str], _body: bytes) -> tuple[int, JsonObject]:
        return 200, {"text": "On it! \u00e9"}

    async with (
        running_server(slack_handler=SlackRequests(reply)) as server,
        session.post(server.url + SLACK_PATH, data={"command": "/deploy"}) as response,
    ):
        assert (response.status, response.content_type) == (200, "application/json")
        assert await response.json() == {"text": "On it! \u00e9"}
