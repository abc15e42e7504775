"""Reaches Flyte through proxies and over reused connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.flyte.workflow import FlyteWorkflow
from domain.errors import WorkflowUnreachable
from entrypoints.simulation.flyte.server import FlyteServer
from tests.contracts.workflow_contract import DEFINITION, NOON, received_message
from tests.support.scripted_http import Request, flyte_registration, http_response, scripted_server


@pytest.fixture(autouse=True)
def _without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def test_flyte_is_reached_through_the_proxy_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted_server(lambda _: http_response(404)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        workflow = FlyteWorkflow("http://flyte.invalid:8080")
        async with workflow.open():
            with pytest.raises(WorkflowUnreachable, match="it returned 404"):
                await workflow.register(DEFINITION)
    assert [request.target for request in proxy.requests] == ["http://flyte.invalid:8080/v1"]


async def test_a_host_in_no_proxy_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scripted_server(lambda _: http_response(404)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "flyte.invalid")
        workflow = FlyteWorkflow("http://flyte.invalid:8080", timeout_seconds=2.0)
        async with workflow.open():
            with pytest.raises(WorkflowUnreachable, match="could not be sent"):
                await workflow.register(DEFINITION)
    assert proxy.requests == []


async def test_flyte_is_unreachable_without_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:1")
    workflow = FlyteWorkflow("http://flyte.invalid:8080")
    async with workflow.open():
        with pytest.raises(WorkflowUnreachable, match="could not be sent") as failure:
            await workflow.register(DEFINITION)
    assert "secret" not in str(failure.value)


async def test_successive_requests_share_one_connection() -> None:
    async with FlyteServer() as flyte, _relay(flyte.api_url) as (url, connections):
        workflow = FlyteWorkflow(url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            for _ in range(3):
                await workflow.take()
                await workflow.publish(received_message("1.1"), NOON)
        assert len(connections) == 1


@asynccontextmanager
async def _relay(target: str) -> AsyncIterator[tuple[str, list[asyncio.Task[None]]]]:
    """Relays to another server, and counts the connections."""
    connections: list[asyncio.Task[None]] = []
    host, port = target.removeprefix("http://").split(":")

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        async with asyncio.TaskGroup() as both_ways:
            both_ways.create_task(pass_on(reader, far_writer), name="there")
            both_ways.create_task(pass_on(far_reader, writer), name="back")

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(asyncio.create_task(join(reader, writer), name="connection"))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", connections
    server.close()
    await asyncio.gather(*connections)


@pytest.mark.parametrize(
    "odd",
    [
        {"Date": "Tue, 24 Nov 99999999999 11:59:37 GMT"},
        {"Content_Type": "application/json; charset=rot13"},
        {"Content_Type": ";;;"},
        {"Retry_After": "1e300"},
    ],
    ids=lambda headers: next(iter(headers)),
)
async def test_odd_headers_of_flyte_change_nothing(odd: dict[str, str]) -> None:
    def respond(request: Request) -> bytes:
        answer = flyte_registration(request) or http_response(204)
        head, body = answer.split(b"\r\n\r\n", 1)
        lines = "".join(f"\r\n{name.replace('_', '-')}: {value}" for name, value in odd.items())
        return head + lines.encode() + b"\r\n\r\n" + body

    async with scripted_server(respond) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            await workflow.register(DEFINITION)
            assert await workflow.take() is None


@pytest.mark.parametrize(
    "body",
    [b"9" * 5000, b"[" * 100_000, b"\xff\xfe", b'{"links": [' + b"9" * 5000 + b"]}", b""],
    ids=["integer", "depth", "bytes", "integer in a list", "empty"],
)
@pytest.mark.parametrize("headers", [{}, {"Content_Encoding": "gzip"}], ids=["plain", "no gzip"])
async def test_an_odd_answer_to_a_registration_is_an_outage(body: bytes, headers: dict[str, str]) -> None:
    async with scripted_server(lambda _: http_response(200, body, **headers)) as server:
        workflow = FlyteWorkflow(server.url)
        async with workflow.open():
            with pytest.raises(WorkflowUnreachable):
                await workflow.register(DEFINITION)
