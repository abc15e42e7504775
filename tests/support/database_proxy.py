"""A proxy in front of a PostgreSQL server that cuts, delays and swallows what passes through it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlencode, urlsplit

from psycopg.conninfo import conninfo_to_dict

from entrypoints.simulation.faults import ANY, FaultPlan, Hang, Reset, Slow, sleep

COMMIT: Final = "COMMIT"
"""The target of faults that apply to the ends of transactions."""
_SOCKET: Final = ".s.PGSQL.5432"
_CHUNK_BYTES: Final = 65_536
_READY_FOR_QUERY: Final = b"Z\0\0\0\5"
"""Ends the server's answer, but for one byte."""
_Fault: TypeAlias = Hang | Reset | Slow


@dataclass(slots=True, eq=False)
class _Link:
    """A client's connection and its connection to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    fault: _Fault | None = None
    """Applies to the server's next answer."""

    def abort(self) -> None:
        self.client.transport.abort()
        self.server.transport.abort()


class DatabaseProxy:
    """The connections through the proxy.

    `faults` apply to what clients send: `Slow`, `Reset` and `Hang`. With `after_effect` the server performs it, and the
    answer is late, cut off or swallowed. The target is COMMIT, or `*` for everything.
    """

    def __init__(self, server_url: str, directory: Path) -> None:
        self.faults: Final = FaultPlan()
        self.round_trips = 0
        """How often a client has waited for the server's answer."""
        self._server_url = server_url
        self._directory = directory
        self._links: set[_Link] = set()
        self._closing = asyncio.Event()

    @property
    def url(self) -> str:
        """The URL of the same database, through the proxy."""
        parts = urlsplit(self._server_url)
        user = f"{parts.username}@" if parts.username else ""
        return parts._replace(netloc=user, query=urlencode({"host": str(self._directory)})).geturl()

    def cut(self) -> None:
        """Breaks all connections."""
        for link in tuple(self._links):
            link.abort()

    async def close(self) -> None:
        """Breaks all connections, and ends all faults."""
        self._closing.set()
        self.cut()

    async def serve(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Passes the bytes of one client on until either side closes."""
        try:
            server_reader, server = await self._connect()
        except OSError:
            client.transport.abort()
            return
        link = _Link(client, server)
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass_requests(client_reader, link), name="requests")
                tasks.create_task(self._pass_answers(server_reader, link), name="answers")
        finally:
            self._links.remove(link)
            link.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        server = conninfo_to_dict(self._server_url)
        host, port = str(server["host"]), server.get("port", 5432)
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, int(str(port)))

    async def _pass_requests(self, requests: asyncio.StreamReader, link: _Link) -> None:
        with suppress(OSError):
            while data := await requests.read(_CHUNK_BYTES):
                fault = self._match(data)
                if fault and fault.after_effect:
                    link.fault = fault
                elif fault:
                    await self._apply(fault, link)
                link.server.write(data)
                await link.server.drain()
        link.server.close()

    async def _pass_answers(self, answers: asyncio.StreamReader, link: _Link) -> None:
        with suppress(OSError):
            while data := await answers.read(_CHUNK_BYTES):
                if link.fault:
                    await self._apply(link.fault, link)
                link.fault = None
                self.round_trips += data[:-1].endswith(_READY_FOR_QUERY)
                link.client.write(data)
                await link.client.drain()
        link.client.close()

    def _match(self, data: bytes) -> _Fault | None:
        fault = self.faults.match(COMMIT if COMMIT.encode() in data else ANY)
        assert fault is None or isinstance(fault, _Fault)
        return fault

    async def _apply(self, fault: _Fault, link: _Link) -> None:
        match fault:
            case Slow():
                await sleep(fault.seconds, self._closing)
            case Hang():
                await self._closing.wait()
            case Reset():
                link.abort()


@asynccontextmanager
async def database_proxy(server_url: str) -> AsyncIterator[DatabaseProxy]:
    """Runs a proxy for the database with this URL."""
    with tempfile.TemporaryDirectory(prefix="flyte-slack-proxy-", dir="/tmp") as directory:  # a short path
        proxy = DatabaseProxy(server_url, Path(directory))
        server = await asyncio.start_unix_server(proxy.serve, Path(directory, _SOCKET))
        try:
            yield proxy
        finally:
            await proxy.close()
            server.close()
            await server.wait_closed()
