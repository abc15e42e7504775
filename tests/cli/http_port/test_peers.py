"""The HTTP port keeps slow, greedy and malformed peers from harming others."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from entrypoints.http import SLACK_PATH
from tests.support.http_port import HEAD, MIB, SlackRequests, connected, is_closed, running_server


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
