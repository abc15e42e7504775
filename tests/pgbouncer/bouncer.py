"""PgBouncer in transaction mode, in front of a PostgreSQL server."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.support.postgres_server import unprivileged_identity

_PORT = 6432
_TIMEOUT_SECONDS = 10.0
_CONFIGURATION = """
[databases]
* = host={server} user=postgres
[pgbouncer]
pool_mode = transaction
default_pool_size = 4
auth_type = any
listen_addr =
listen_port = {port}
unix_socket_dir = {directory}
"""
"""Fewer connections than a pack has, so that each transaction gets another one."""


@contextmanager
def bouncer(server_url: str) -> Iterator["Bouncer"]:
    """Runs PgBouncer in front of the server with this URL, which listens on a socket."""
    directory = Path(tempfile.mkdtemp(prefix="flyte-slack-pgbouncer-", dir="/tmp"))
    directory.chmod(0o777)  # it runs as another user
    server = conninfo_to_dict(server_url)["host"]
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(_CONFIGURATION.format(server=server, port=_PORT, directory=directory))
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin") or "pgbouncer"
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([program, configuration], stderr=log, **unprivileged_identity())  # noqa: S603 - ours
    try:
        running = Bouncer(directory)
        running.wait_until_ready()
        yield running
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(directory)


class Bouncer:
    """A running PgBouncer."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def url_of(self, database_url: str) -> str:
        """Returns the URL of a database of the server, through PgBouncer."""
        query = urlencode({"host": str(self._directory), "port": _PORT})
        return urlsplit(database_url)._replace(query=query).geturl()

    def wait_until_ready(self) -> None:
        """Waits until it accepts connections."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while True:
            try:
                psycopg.connect(self.url_of("postgresql://postgres@/postgres")).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"PgBouncer did not start: {(self._directory / 'log').read_text()}") from None
                time.sleep(0.02)
            else:
                return
