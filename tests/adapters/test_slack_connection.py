import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest
from aiohttp import web as aiohttp_web
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.slack.sockets.connection import Connection
from adapters.slack.sockets.rtm import SlackRtm
from adapters.slack.sockets.socket_mode import SlackSocketMode
from adapters.slack.web_client import SlackWebClient
from domain.json_values import JsonObject
from domain.users import Identity
from entrypoints.testing.strategies import json_values
from tests.support.virtual_time import TestTime

pytestmark = pytest.mark.virtual_time

KINDS = ("hello", "disconnect", "events_api", "interactive", "goodbye", "pong", "message", "channel_joined")


@pytest.fixture
async def stalled_url() -> AsyncIterator[str]:
    """The URL of a WebSocket that never reads."""
    end = asyncio.Event()

    async def open_and_wait(request: aiohttp_web.Request) -> aiohttp_web.WebSocketResponse:
        socket = aiohttp_web.WebSocketResponse()
        await socket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        request.transport.pause_reading()
        await end.wait()
        request.transport.abort()
        return socket

    application = aiohttp_web.Application()
    application.router.add_get("/", open_and_wait)
    runner = aiohttp_web.AppRunner(application, access_log=None)
    await runner.setup()
    await aiohttp_web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    end.set()
    await runner.cleanup()


async def test_a_stalled_connection_delays_only_the_first_sender(stalled_url: str) -> None:
    web = SlackWebClient("http://127.0.0.1:1/api/", "xoxb-1")
    async with web.open():
        connection = Connection(await web.connect(stalled_url), send_timeout_seconds=0.1)
        with capture_logs() as logs:
            await connection.send("x" * 16 * 1024 * 1024)
        assert [entry["event"] for entry in logs] == ["slack_socket_stuck"]

        async with asyncio.timeout(0.05):
            await connection.send("x")
            connection.expect_ack()
            await connection.send_ack("y")
            await connection.drain_acks()
        await connection.close()


@given(st.dictionaries(st.sampled_from(("type", "envelope_id", "payload", "reason", "channel", "ts")), json_values))
async def test_no_frame_raises(fields: JsonObject) -> None:
    web = SlackWebClient("http://127.0.0.1:1/api/", "xoxb-1")
    for kind in KINDS:
        for frame in (fields, {**fields, "type": kind}):
            SlackSocketMode(web, "xapp-1", _identify, TestTime()).parse(frame)
            SlackRtm(web, TestTime()).parse(frame)


def _identify() -> Awaitable[Identity]:
    raise NotImplementedError
