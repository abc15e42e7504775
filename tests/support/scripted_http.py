"""An HTTP server that sends given bytes, to simulate misbehaving servers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Respond = Callable[["Request"], bytes | None]
"""The bytes to send before closing the connection, or None to never respond."""


@dataclass(frozen=True, slots=True)
class Request:
    """A received request."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class ScriptedServer:
    """A running server and the requests it has received."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def record(self, request: Request) -> None:
        """Records a request."""
        self.requests.append(request)
        self._changed.set()

    async def wait_for_request(self, target: str) -> None:
        """Waits until a request for this target has been received."""
        async with asyncio.timeout(5):
            while all(request.target != target for request in self.requests):
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def scripted_server(respond: Respond) -> AsyncIterator[ScriptedServer]:
    """Runs a server on 127.0.0.1 whose responses `respond` chooses."""
    script = ScriptedServer()
    closing = asyncio.Event()
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await _read(reader)
            script.record(request)
            answer = respond(request)
            if answer is None:
                await closing.wait()
            else:
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer), name="scripted connection")
        connections.add(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    script.url = f"http://{host}:{port}"
    try:
        yield script
    finally:
        closing.set()
        server.close()
        await asyncio.gather(*connections)


def http_response(
    status: int, body: bytes | str = b"", *, content_type: str = "application/json", **headers: str
) -> bytes:
    """Returns a complete response; `Content_Length=...` overrides the actual length."""
    content = body.encode() if isinstance(body, str) else body
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = {"Content-Type": content_type, "Content-Length": str(len(content)), "Connection": "close"} | given
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + content


def flyte_registration(request: Request, prefix: str = "/v1") -> bytes | None:
    """Returns Flyte's response to a registration, with links below `prefix`; None for other requests."""
    base = f"http://{request.headers['host']}{prefix}"
    docs = f"http://{request.headers['host']}/swagger"
    if request.target == prefix:
        links = [
            {"href": f"{base}/packs", "rel": f"{docs}#!/pack/listPacks"},
            {"href": f"{base}/audit/flows", "rel": f"{docs}#!/flowAudit/findFlows"},
        ]
        return http_response(200, json.dumps({"links": links}))
    if request.target == f"{prefix}/packs":
        links = [
            {"href": f"{base}/packs/Slack/actions/take", "rel": f"{docs}#!/action/takeAction"},
            {"href": f"{base}/packs/Slack/events", "rel": f"{docs}#/event"},
        ]
        return http_response(201, json.dumps({"links": links}), content_type="text/plain; charset=utf-8")
    return None


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.splitlines()
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)
