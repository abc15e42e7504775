import asyncio

import aiohttp
import pytest

from adapters.http.errors import describe
from adapters.http.session import open_session


async def reason_for(url: str) -> str:
    """What is said of a request to this URL, which brings no answer."""
    async with open_session(timeout_seconds=5) as session:
        with pytest.raises((aiohttp.ClientError, TimeoutError)) as failure:
            await session.get(url)
    return describe(failure.value)


def port_of(server: asyncio.Server) -> int:
    number: int = server.sockets[0].getsockname()[1]
    return number


async def not_understood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def test_a_port_at_which_nobody_listens_refuses() -> None:
    async with await asyncio.start_server(not_understood, "127.0.0.1", 0) as server:
        port = port_of(server)
    assert await reason_for(f"http://127.0.0.1:{port}/") == "no connection (connection refused)"


async def test_a_server_without_tls_is_no_matter_of_permissions() -> None:
    async with await asyncio.start_server(not_understood, "127.0.0.1", 0) as server:
        reason = await reason_for(f"https://127.0.0.1:{port_of(server)}/")
    assert reason == "no TLS connection; is its URL one with http://?"


async def test_a_name_that_nobody_has_is_unknown() -> None:
    assert await reason_for("http://nobody.invalid/") == "its host name is unknown"
