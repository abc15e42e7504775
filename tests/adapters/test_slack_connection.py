import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest
from aiohttp import web as aiohttp_web
from hypothesis import given
from hypothesis import strategies as st

from adapters.memory.clock import MemoryClock
from adapters.slack.sockets import connection as connection_module
from adapters.slack.sockets.connection import Connection
from adapters.slack.sockets.rtm import RtmProtocol
from adapters.slack.sockets.socket_mode import SocketModeProtocol
from adapters.slack.web_client import SlackWebClient
from domain.json_values import JsonObject
from domain.users import Identity
from tests.support.strategies import json_values

KINDS = ("hello", "disconnect", "events_api", "interactive", "goodbye", "pong", "message", "channel_joined")


@pytest.fixture
async def deaf_address() -> AsyncIterator[str]:
    """A socket at whose other end nobody reads."""
    end = asyncio.Event()

    async def open_and_wait(request: aiohttp_web.Request) -> aiohttp_web.WebSocketResponse:
        socket = aiohttp_web.WebSocketResponse()
        await socket.prepare(request)
        await end.wait()
        if request.transport is not None:
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


async def test_a_connection_that_takes_nothing_holds_up_one_sender_and_no_other(
    deaf_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "_SEND_TIMEOUT_SECONDS", 0.05)
    web = SlackWebClient("http://127.0.0.1:1/api/", "xoxb-1")
    async with web.open():
        connection = Connection(await web.connect(deaf_address), MemoryClock())
        await connection.send("x" * 32 * 1024 * 1024)
        monkeypatch.setattr(connection_module, "_SEND_TIMEOUT_SECONDS", 60)
        async with asyncio.timeout(1):
            await connection.send("x")
        connection.expect_ack()
        await connection.send_ack("y")
        await connection.drain_acks()


@given(st.dictionaries(st.sampled_from(("type", "envelope_id", "payload", "reason", "channel", "ts")), json_values))
async def test_no_frame_is_fatal(fields: JsonObject) -> None:
    web = SlackWebClient("http://127.0.0.1:1/api/", "xoxb-1")
    for kind in KINDS:
        for frame in (fields, {**fields, "type": kind}):
            SocketModeProtocol(web, "xapp-1", _nobody).parse(frame)
            RtmProtocol(web).parse(frame)


def _nobody() -> Awaitable[Identity]:
    raise NotImplementedError
