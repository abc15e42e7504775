"""Looks at a database as a pack would use it, without changing anything."""

from dataclasses import dataclass
from enum import Enum

import psycopg

from adapters.postgresql.connection_settings import parameters_of
from adapters.postgresql.copying import require_complete, require_not_moved
from adapters.postgresql.database import Database
from adapters.postgresql.migration import known_migrations, version_of
from adapters.postgresql.session import Session
from domain.channels import ChannelId
from domain.errors import StorageUnusable

_SYNCHRONOUS = ("on", "remote_write", "remote_apply")
"""The values of `synchronous_commit` with which a commit waits for the synchronous standbys."""

_SERVER = """SELECT split_part(current_setting('server_version'), ' ', 1), current_user,
    pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean, current_setting('fsync')::boolean,
    (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'), current_setting('synchronous_commit'),
    current_setting('synchronous_standby_names') <> '',
    (SELECT count(*) FROM pg_stat_replication),
    (SELECT count(*) FROM pg_stat_replication, current_setting('synchronous_standby_names') AS names WHERE coalesce(
        sync_state IN ('sync', 'quorum'), -- null for users without special rights, who see the names only
        strpos(lower(names), lower(application_name)) > 0 OR strpos(names, '*') > 0)),
    (SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT active),
    to_regnamespace('flyte_slack') IS NOT NULL"""

_MAY_CREATE = """SELECT CASE WHEN to_regnamespace('flyte_slack') IS NULL
    THEN has_database_privilege(current_database(), 'CREATE')
    ELSE has_schema_privilege('flyte_slack', 'CREATE') AND NOT EXISTS (
        SELECT FROM pg_class WHERE relnamespace = to_regnamespace('flyte_slack') AND NOT pg_has_role(relowner, 'USAGE')
    ) END"""

_MISSING = """SELECT 'USAGE on schema flyte_slack' WHERE NOT has_schema_privilege('flyte_slack', 'USAGE')
    UNION ALL
    SELECT privilege || ' on flyte_slack.' || relname FROM pg_class
    CROSS JOIN LATERAL unnest(CASE
        WHEN relkind = 'S' THEN '{USAGE}'::text[]
        WHEN relkind = 'v' OR relname = 'migrations' THEN '{SELECT}'
        ELSE '{SELECT,INSERT,UPDATE,DELETE}' END) AS privilege
    WHERE relnamespace = to_regnamespace('flyte_slack') AND relkind IN ('r', 'p', 'v', 'S')
    AND NOT CASE relkind WHEN 'S' THEN has_sequence_privilege(pg_class.oid, privilege)
        ELSE has_table_privilege(pg_class.oid, privilege) END
    ORDER BY 1"""

_TO_LOOK = {"USAGE on schema flyte_slack", "SELECT on flyte_slack.migrations"}
"""The rights without which the version of the tables is unknown."""

_LIVE = """SELECT name, version FROM flyte_slack.replicas, flyte_slack.clock
    WHERE name IS NOT NULL AND alive_until > now ORDER BY id"""

_OWNER = "SELECT team_id, bot_id FROM flyte_slack.storage"
_JOINED = "SELECT channel_id FROM flyte_slack.joined WHERE position IS NOT NULL ORDER BY position"


class Standbys(Enum):
    """The fate of acknowledged data if the server's machine is lost."""

    NONE = "none"
    """As far as the server tells there is no standby: the data is as safe as the server's disk."""
    SYNCHRONOUS = "synchronous"
    """A commit waits for a standby: nothing acknowledged is lost in a failover."""
    ASYNCHRONOUS = "asynchronous"
    """Data acknowledged shortly before a failover may be lost."""


@dataclass(frozen=True, slots=True)
class LiveReplica:
    """A pack that runs on the database."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """The state of the database for a pack. Rights are those of the user in the URL."""

    location: str
    """Without secrets."""
    server_version: str
    user: str
    tables_version: int | None
    """0 while there are no tables; None if the user may not look."""
    known_version: int
    """The version of the tables that this program needs."""
    may_create: bool
    """Whether the user may create the tables, or change them at an upgrade."""
    missing_rights: tuple[str, ...]
    """The rights to tables that packs need and the user does not have (`SELECT on flyte_slack.journal`)."""
    is_read_only: bool
    """Whether the server refuses writes, such as a standby."""
    is_pooled: bool
    """Whether PgBouncer or the like in transaction mode stands between: packs poll, since they can't listen."""
    has_fsync: bool
    """Whether what is acknowledged survives the loss of power."""
    synchronous_commit: str
    """The user's setting on this server; packs replace `off` by `on`."""
    standbys: Standbys
    synchronous_standbys: int
    """Connected standbys that commits wait for. Without any, those that are to wait for standbys wait for good."""
    replicas: tuple[LiveReplica, ...]
    joined: tuple[ChannelId, ...]
    """The joined channels."""
    owner: tuple[str, str]
    """The ids of the workspace and of the bot that the data belongs to; empty if it belongs to none yet."""
    stopped_by: StorageUnusable | None
    """Why no pack may start, because of a copy from or to the database; None if one may."""

    @property
    def listens(self) -> bool:
        """Whether packs are woken by notifications; otherwise they poll."""
        return not self.is_pooled


async def inspect(url: str) -> DatabaseState:
    """Connects to the database, and looks. Raises StorageError if that is not possible, and ValueError for the URL."""
    database = Database(parameters_of(url))
    session = await database.connect()
    async with session:
        try:
            return await _state_of(session, database.location)
        except psycopg.Error as error:
            raise database.unavailable(error) from error


async def _state_of(session: Session, location: str) -> DatabaseState:
    [
        (server, user, is_read_only, has_fsync, configured, in_use, names_standbys, *standbys, has_schema)
    ] = await session.fetch(_SERVER)
    connected, synchronous, away = standbys
    missing = [right for (right,) in await session.fetch(_MISSING)] if has_schema else []
    version = await version_of(session) if _TO_LOOK.isdisjoint(missing) else None
    [(may_create,)] = await session.fetch(_MAY_CREATE)
    is_readable = version == known_migrations()[-1].version and not missing
    replicas = await session.fetch(_LIVE) if is_readable else []
    joined = await session.fetch(_JOINED) if is_readable else []
    owners = await session.fetch(_OWNER) if is_readable else []
    is_waiting = session.is_pooled or in_use in _SYNCHRONOUS  # of a pooled connection each transaction is adapted
    return DatabaseState(
        location,
        server,
        user,
        version,
        known_migrations()[-1].version,
        may_create,
        tuple(missing),
        is_read_only,
        session.is_pooled,
        has_fsync,
        configured,
        _standbys(is_synchronous=names_standbys and is_waiting, number=connected + away),
        synchronous,
        tuple(LiveReplica(*row) for row in replicas),
        tuple(ChannelId(channel_id) for (channel_id,) in joined),
        owners[0] if owners else ("", ""),
        await _stopped_by(session, location) if is_readable else None,
    )


async def _stopped_by(session: Session, location: str) -> StorageUnusable | None:
    try:
        await require_complete(session, location)
        await require_not_moved(session, location)
    except StorageUnusable as error:
        return error
    return None


def _standbys(*, is_synchronous: bool, number: int) -> Standbys:
    if is_synchronous:
        return Standbys.SYNCHRONOUS
    return Standbys.ASYNCHRONOUS if number else Standbys.NONE
