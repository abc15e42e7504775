"""Copies from and to a database: their marks, and the lock between a copy and packs."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from adapters.postgresql.database import Database
from adapters.postgresql.replicas import PostgresReplicas
from adapters.postgresql.session import Session
from application.ports.transfer import CopyMarks
from domain.errors import StorageError, StorageUnavailable, StorageUnusable

COPYING: Final = "storage copy"
_LEASE_SECONDS: Final = 10.0
_LEASE_MICROS: Final = round(_LEASE_SECONDS * 1_000_000)
_BEAT_SECONDS: Final = 1.0
_LOCK: Final = "SELECT FROM flyte_slack.storage FOR UPDATE"
"""Held by each process while it begins to use the database."""
_MARKS: Final = "SELECT copy_out, copy_in, is_incomplete, moved_to FROM flyte_slack.storage"
_COPIER: Final = "SELECT copier FROM flyte_slack.replicas, flyte_slack.clock WHERE copier <> '' AND alive_until > now"
_OTHERS: Final = """SELECT id, alive_until, coalesce(nullif(copier, ''), name, 'a pack that is starting')
    FROM flyte_slack.replicas, flyte_slack.clock WHERE id < %s AND alive_until > now ORDER BY id"""


async def marks_of(session: Session) -> CopyMarks:
    """Returns the marks of copies in the database."""
    [row] = await session.fetch(_MARKS)
    return CopyMarks(*row)


async def require_complete(session: Session, location: str) -> None:
    """Raises StorageUnusable while a copy is made, and after an unfinished one."""
    for (copier,) in await session.fetch(_COPIER):
        raise StorageUnusable(f"the {location} is in use by a {copier}; wait for its end")
    if (await marks_of(session)).is_incomplete:
        raise StorageUnusable(
            f"the {location} holds an unfinished copy; repeat `flyte-slack storage copy`, or use another database"
        )


async def require_not_moved(session: Session, location: str) -> None:
    """Raises StorageUnusable if the content was moved elsewhere."""
    if moved_to := (await marks_of(session)).moved_to:
        raise StorageUnusable(f"the {location} was moved to {moved_to}; set FLYTE_SLACK_STORAGE to that")


async def require_current(session: Session, location: str) -> None:
    """Raises StorageUnusable if no pack may start, and lets no copy begin until the end of the transaction."""
    await session.fetch(_LOCK)
    await require_complete(session, location)
    await require_not_moved(session, location)


class CopyLock:
    """Keeps packs and other copies out of a database, like a replica that owns everything."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._replica = PostgresReplicas(database)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Holds the lock. Waits for processes that were killed; raises StorageUnusable if one is alive, naming it."""
        await self.database.run(self._enter)
        beats = asyncio.create_task(self._send_heartbeats(), name="heartbeat of the copy")
        try:
            await self._wait_for_others()
            yield
        finally:
            beats.cancel()
            await asyncio.gather(beats, return_exceptions=True)
            with suppress(StorageError):
                await self.database.run(self._replica.leave)

    async def keep(self, session: Session) -> None:
        """Renews the lock, which lasts until the end of the transaction. Raises StorageUnusable if it is lost."""
        if not await session.fetch(
            "UPDATE flyte_slack.replicas SET alive_until = now + %s FROM flyte_slack.clock "
            "WHERE id = %s AND alive_until > now RETURNING true",
            (_LEASE_MICROS, self._replica.own_id),
        ):
            raise StorageUnusable(f"the {self.database.location} was out of reach for too long; repeat the copy")

    async def begin_anew(self, session: Session) -> None:
        """Keeps the lock although the uptime was set, and forgets all other processes, whose leases end in none."""
        await session.send("DELETE FROM flyte_slack.replicas WHERE id <> %s", (self._replica.own_id,))
        await session.send(
            "UPDATE flyte_slack.replicas SET alive_until = now + %s FROM flyte_slack.clock", (_LEASE_MICROS,)
        )

    async def _enter(self, session: Session) -> None:
        await session.fetch(_LOCK)
        await self._replica.enter(session, _LEASE_SECONDS)
        await session.send(
            "UPDATE flyte_slack.replicas SET copier = %s WHERE id = %s",
            (f"{COPYING}, process {os.getpid()} on {socket.gethostname()}", self._replica.own_id),
        )

    async def _send_heartbeats(self) -> None:
        """Renews the lock until it is lost."""
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            with suppress(StorageUnavailable):
                await self.database.run(self.keep)
                await self._replica.heartbeat(_LEASE_SECONDS)

    async def _wait_for_others(self) -> None:
        """Waits until the leases of earlier processes have expired. Raises StorageUnusable if one is renewed."""
        alive = await self._others()
        while still_alive := await self._others():
            for process, (until, name) in still_alive.items():
                if until > alive.get(process, (until,))[0]:
                    raise StorageUnusable(f"the {self.database.location} is in use by {name}; stop it first")
            await asyncio.sleep(_BEAT_SECONDS / 4)

    async def _others(self) -> dict[int, tuple[int, str]]:
        rows = await self.database.fetch(_OTHERS, (self._replica.own_id,))
        return {process: (until, name) for process, until, name in rows}
