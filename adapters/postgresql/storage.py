"""A storage in a PostgreSQL database, which any number of packs use at the same time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import psycopg

from adapters.postgresql.channels import PostgresChannels
from adapters.postgresql.connection_settings import parameters_of
from adapters.postgresql.copying import CopyLock, require_complete, require_current
from adapters.postgresql.database import Database
from adapters.postgresql.gaps import PostgresGaps
from adapters.postgresql.journal import PostgresJournal
from adapters.postgresql.leases import PostgresLeases
from adapters.postgresql.message_keys import PostgresMessageKeys
from adapters.postgresql.migration import Migration, check_version, known_migrations, migrate, require_tables
from adapters.postgresql.outbox import PostgresOutbox
from adapters.postgresql.ownership import release
from adapters.postgresql.rate_limits import PostgresRateLimiter, forget_reservations
from adapters.postgresql.replicas import PostgresReplicas
from adapters.postgresql.session import Session
from adapters.postgresql.tidying import Tidying
from adapters.postgresql.transfer import PostgresTransfer
from adapters.postgresql.wakeups import Wakeups
from adapters.postgresql.work import read_work
from application.ports.channels import Channels
from application.ports.clock import Clock
from application.ports.gaps import Gaps
from application.ports.journal import Journal
from application.ports.leases import Leases
from application.ports.message_keys import MessageKeys
from application.ports.outbox import Outbox
from application.ports.rate_limiter import RateLimiter
from application.ports.replicas import Replicas
from application.ports.storage import StorageDescription, Topic
from application.ports.work import Work
from domain.errors import StorageError

_LEAVING_SECONDS = 1
"""A server that is away does not keep a process from ending."""


class PostgresStorage:
    """Implements Storage in the schema flyte_slack of a database; creates the schema and its tables if necessary.

    With `attached`, for operators' commands: uses the tables of packs that may be running. Creates nothing, and is no
    replica to them.
    """

    channels: Channels
    gaps: Gaps
    outbox: Outbox
    journal: Journal
    message_keys: MessageKeys
    rate_limiter: RateLimiter
    leases: Leases
    replicas: Replicas

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        lease_seconds: float,
        attached: bool = False,
        migrations: Sequence[Migration] | None = None,
    ) -> None:
        """`migrations` are those that the program knows. Raises ValueError if the URL is malformed."""
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._attached = attached
        self._migrations = list(migrations or known_migrations())
        self.database = Database(parameters_of(url))
        self._replicas = PostgresReplicas(self.database)
        self.replicas = self._replicas
        self._wakeups = Wakeups(self.database, self._replicas)
        self.leases = PostgresLeases(self.database, self._replicas, self._wakeups)
        self.journal = PostgresJournal(self.database, clock, self._replicas, self.leases, self._wakeups)
        self._tidying = Tidying(self.database)
        self.channels = PostgresChannels(self.database)
        self.gaps = PostgresGaps(self.database)
        self.message_keys = PostgresMessageKeys(self.database)
        self.rate_limiter = PostgresRateLimiter(self.database)
        self._copy_lock = CopyLock(self.database)
        self.transfer = PostgresTransfer(self.database, self._copy_lock)
        self.outbox = self._outbox = PostgresOutbox(self.database, clock, self._replicas, self._wakeups)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        await self._prepare()
        async with AsyncExitStack() as exits:
            await self.database.open()
            exits.push_async_callback(self.database.close)
            exits.push_async_callback(self._leave)
            if not self._attached:
                await self.database.run(self._enter)
                await exits.enter_async_context(self._wakeups.listening())
            yield

    @asynccontextmanager
    async def open_for_copy(self, *, creates: bool) -> AsyncIterator[None]:
        """Implements TransferableStorage."""
        await self._prepare_for_copy(creates=creates)
        async with AsyncExitStack() as exits:
            await self.database.open()
            exits.push_async_callback(self.database.close)
            await exits.enter_async_context(self._copy_lock.held())
            yield

    async def heartbeat(self, lease_seconds: float) -> None:
        await self._replicas.heartbeat(lease_seconds)
        self._tidying.start_if_due()

    def subscribe(self, topic: Topic, notify: Callable[[], None]) -> None:
        self._wakeups.subscribe(topic, notify)

    def describe(self) -> StorageDescription:
        return StorageDescription(self.database.location, is_durable=True, is_shared=True)

    async def work(self) -> Work:
        """Implements ObservableStorage."""
        return await read_work(self.database)

    async def _prepare(self) -> None:
        """Makes sure that the tables can be used."""
        session = await self.database.connect()
        async with session:
            try:
                if self._attached:
                    await check_version(session, self._migrations[-1].version)
                else:
                    await migrate(session, self._migrations)
                await require_complete(session, self.database.location)
            except psycopg.Error as error:
                raise self.database.unavailable(error) from error

    async def _prepare_for_copy(self, *, creates: bool) -> None:
        session = await self.database.connect()
        async with session:
            try:
                if not creates:
                    await require_tables(session)
                await migrate(session, self._migrations)
            except psycopg.Error as error:
                raise self.database.unavailable(error) from error

    async def _enter(self, session: Session) -> None:
        await require_current(session, self.database.location)
        await self._outbox.end_claims(session, await self._replicas.end_killed(session))
        await forget_reservations(session)
        await self._replicas.enter(session, self._lease_seconds)

    async def _leave(self) -> None:
        """Ends what is in progress and what this process owns: others need not wait for the end of its lease."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEAVING_SECONDS):
                if self._replicas.own_id:
                    await self._end()
                await self._tidying.finish()
                await self._outbox.finish()
                await self._wakeups.finish()

    async def _end(self) -> None:
        with suppress(StorageError):
            await self.database.run(self._release)
            for topic in Topic:
                self._wakeups.announce(topic)

    async def _release(self, session: Session) -> None:
        await release(session, self._replicas.own_id)
        await self._outbox.end_claims(session, [self._replicas.own_id])
        await self._replicas.leave(session)
