"""The HTTP port of the daemon, and those who reach it besides Slack."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from entrypoints.http import SLACK_PATH
from entrypoints.http_limits import raise_open_file_limit
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ, fresh_daemon
from tests.support.transports import Transport, socket_mode_environ

MIB = 1024 * 1024


async def test_an_unsigned_request_is_rejected_and_its_content_not_logged(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    variables = daemon_environ(slack, flyte, tmp_path, **Transport.HTTP.secrets(slack))
    async with daemon(variables) as pack, aiohttp.ClientSession(await pack.url()) as http:
        await pack.wait_for_event("hearing")
        async with http.post(SLACK_PATH, json={"type": "event_callback", "event": {"text": "hush"}}) as answer:
            assert answer.status == 401
        await pack.wait_for_event("slack_request_refused")
        assert await pack.stop() == 0
    assert "hush" not in repr(pack.log)


@pytest.mark.parametrize("signature", ["", "v0=" + "0" * 64], ids=["unsigned", "wrongly signed"])
async def test_bodies_of_strangers_take_little_memory_and_leave_health_alone(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path, signature: str
) -> None:
    variables = daemon_environ(slack, flyte, tmp_path, **Transport.HTTP.secrets(slack))
    signed = f"X-Slack-Signature: {signature}\r\nX-Slack-Request-Timestamp: {int(time.time())}\r\n" if signature else ""
    head = f"POST {SLACK_PATH} HTTP/1.1\r\nHost: a\r\n{signed}Content-Length: {MIB}\r\n\r\n".encode()
    async with (
        fresh_daemon(variables) as pack,
        aiohttp.ClientSession(await pack.url()) as http,
        AsyncExitStack() as stack,
    ):
        await pack.wait_for_event("hearing")
        before = _peak_memory_mib(pack.process.pid)
        url, body = await pack.url(), b"x" * (MIB - 1)
        await asyncio.gather(*(stack.enter_async_context(_stranger(url, head + body)) for _ in range(300)))
        for path in ("/live", "/ready"):
            async with http.get(path, timeout=aiohttp.ClientTimeout(total=2)) as answer:
                assert answer.status == 200
        assert _peak_memory_mib(pack.process.pid) - before < 64
        assert await pack.stop() == 0
    assert len(pack.log) < 40
    assert not pack.other_lines


async def test_idle_connections_exhaust_no_file_descriptors(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    raise_open_file_limit()
    async with daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack, AsyncExitStack() as stack:
        url = await pack.url()
        for _ in range(1100):
            await stack.enter_async_context(_stranger(url, b""))
        async with aiohttp.ClientSession(url) as http, http.get("/live") as answer:
            assert answer.status == 200
        assert await pack.stop() == 0
    assert not [line for line in pack.log if line["level"] == "error"]


async def test_the_limit_of_open_files_is_raised(slack: SlackServer, flyte: FlyteServer, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))  # which the daemon inherits
    try:
        async with fresh_daemon(socket_mode_environ(slack, flyte, tmp_path)) as pack:
            await pack.wait_for_event("listening")
            assert resource.prlimit(pack.process.pid, resource.RLIMIT_NOFILE) == (min(4096, hard), hard)
            assert await pack.stop() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_pack_in_socket_mode_accepts_no_http_requests_from_slack(
    slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    both = Transport.SOCKET_MODE.secrets(slack) | Transport.HTTP.secrets(slack)
    async with daemon(daemon_environ(slack, flyte, tmp_path, **both)) as pack:
        await pack.wait_for_event("hearing")
        with pytest.raises(ConnectionError, match="404"):
            await slack.deliver_to(await pack.url() + SLACK_PATH)
        assert await pack.stop() == 0


@asynccontextmanager
async def _stranger(url: str, sent: bytes) -> AsyncIterator[None]:
    """A connection on which as much of this is sent as the pack accepts."""
    _, writer = await asyncio.open_connection(*url.removeprefix("http://").split(":"))
    try:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                for start in range(0, len(sent), 65536):
                    writer.write(sent[start : start + 65536])
                    await writer.drain()
        yield
    finally:
        writer.transport.abort()


def _peak_memory_mib(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) // 1024
