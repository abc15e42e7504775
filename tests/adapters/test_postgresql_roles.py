"""The roles of deploy/postgresql/roles.sql: one that owns the tables, and one that runs packs."""

from urllib.parse import urlsplit

import psycopg
import pytest

from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from domain.errors import StorageUnusable
from entrypoints.testing.storage_contents import fill
from tests.support.pages import ROOT
from tests.support.postgres_server import ServerProcess

OWNER, PACK = "flyte_slack_owner", "flyte_slack"


@pytest.fixture
def server(server_process: ServerProcess) -> ServerProcess:
    """A server with the roles."""
    script = (ROOT / "deploy" / "postgresql" / "roles.sql").read_text()
    with psycopg.connect(server_process.url, autocommit=True) as connection:
        for variable in (":'owner_password'", ":'pack_password'"):
            script = script.replace(variable, "'secret'")
        connection.execute(script.encode())
    return server_process


def storage(server: ServerProcess, role: str) -> PostgresStorage:
    parts = urlsplit(server.url)
    url = parts._replace(netloc=parts.netloc.replace("postgres", role, 1)).geturl()
    return PostgresStorage(url, SystemClock(), lease_seconds=20.0)


async def test_packs_run_without_the_right_to_create_tables_once_the_owner_has_created_them(
    server: ServerProcess,
) -> None:
    async with storage(server, OWNER).open():
        pass
    async with (pack := storage(server, PACK)).open():
        await pack.heartbeat(20.0)
        await fill(pack)


async def test_a_pack_that_may_not_create_missing_tables_says_so(server: ServerProcess) -> None:
    with pytest.raises(StorageUnusable, match=r"user flyte_slack may not create .* tables"):
        async with storage(server, PACK).open():
            pass
