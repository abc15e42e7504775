import asyncio

import aiohttp
import pytest

from adapters.http.errors import describe
from adapters.http.session import open_session


async def reason_for(url: str) -> str:
    """Returns the description of a failed request to this URL."""
    async with open_session(timeout_seconds=5) as session:
        with pytest.raises((aiohttp.ClientError, TimeoutError)) as failure:
            await session.get(url)
    return describe(failure.value)


def port_of(server: asyncio.Server) -> int:
    number: int = server.sockets[0].getsockname()[1]
    return number


async def respond_400(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def test_a_closed_port_refuses_the_connection() -> None:
    async with await asyncio.start_server(respond_400, "127.0.0.1", 0) as server:
        port = port_of(server)
    assert await reason_for(f"http://127.0.0.1:{port}/") == "no connection (connection refused)"


async def test_a_server_without_tls_is_named_as_such() -> None:
    async with await asyncio.start_server(respond_400, "127.0.0.1", 0) as server:
        reason = await reason_for(f"https://127.0.0.1:{port_of(server)}/")
    assert reason == "no TLS connection; is it an http:// server?"


async def test_an_unresolvable_host_name_is_unknown() -> None:
    assert await reason_for("http://unknown.invalid/") == "the host name is unknown"
