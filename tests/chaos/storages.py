"""The storage of a chaos test: a directory, or a PostgreSQL database that several packs share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg

from adapters.storage_urls import create_storage
from adapters.system_clock import SystemClock
from application.ports.storage import Storage
from tests.support.database_proxy import DatabaseProxy, database_proxy
from tests.support.postgres_server import ServerProcess

FILE: Final = "file"
POSTGRESQL: Final = "postgresql"
_PLACES: Final = """
CREATE SCHEMA chaos;
CREATE TABLE chaos.places (place bigint, id text);
CREATE FUNCTION chaos.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos.places VALUES (NEW.place, to_jsonb(NEW) ->> TG_ARGV[0]);
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON flyte_slack.outbox FOR EACH ROW EXECUTE FUNCTION chaos.note('key');
CREATE TRIGGER note AFTER INSERT ON flyte_slack.journal FOR EACH ROW EXECUTE FUNCTION chaos.note('id');
"""
"""Remembers the places of events and actions, whose rows the packs delete. An action's id is the URL of its result."""

_IS_DRAINED: Final = """
SELECT NOT EXISTS (SELECT FROM flyte_slack.outbox WHERE state = 'waiting')
    AND NOT EXISTS (SELECT FROM flyte_slack.journal WHERE state IN ('taken', 'executing', 'concluded'));
"""


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL server, and the proxy through which the packs reach it."""

    server: ServerProcess
    proxy: DatabaseProxy
    at_work: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a fault stops the server."""


@dataclass(frozen=True, slots=True)
class ChaosStorage:
    """Where it is, for the packs and, without faults, for the runner."""

    url: str
    own_url: str
    database: Database | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Storage]:
        """Opens the storage while no pack runs."""
        storage = create_storage(self.own_url, SystemClock())
        async with storage.open():
            yield storage

    async def record_places(self) -> None:
        """Has a database remember in which order events and actions were stored. Needs its tables."""
        if self.database:
            async with await psycopg.AsyncConnection.connect(self.own_url) as connection:
                await connection.execute(_PLACES)

    async def is_drained(self) -> bool:
        """Whether nothing waits in a database, beside the packs; a directory is inspected once they have ended."""
        if not self.database:
            return True
        async with await psycopg.AsyncConnection.connect(self.own_url) as connection:
            [(is_drained,)] = await (await connection.execute(_IS_DRAINED)).fetchall()
        return bool(is_drained)

    async def places(self) -> dict[str, int]:
        """Returns the place in the order of storing, by event key and action id; empty for a directory."""
        if not self.database:
            return {}
        async with await psycopg.AsyncConnection.connect(self.own_url) as connection:
            rows = await (await connection.execute("SELECT id, min(place) FROM chaos.places GROUP BY 1")).fetchall()
        return {name.removesuffix("/result").rpartition("/")[2]: place for name, place in rows}


@asynccontextmanager
async def chaos_storage(kind: str, directory: Path) -> AsyncIterator[ChaosStorage]:
    """Provides an empty storage of this kind."""
    if kind == FILE:
        url = f"file://{directory / 'state'}"
        yield ChaosStorage(url, url)
        return
    with ServerProcess() as server:
        async with database_proxy(server.url) as proxy:
            yield ChaosStorage(proxy.url, server.url, Database(server, proxy))
