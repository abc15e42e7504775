import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres_server import (
    BINARIES_VARIABLE,
    PASSWORD_GROUP,
    SERVER_VARIABLE,
    ServerProcess,
    describe_server,
    fresh_database,
    running_server,
)


def value(url: str, query: str) -> object:
    with psycopg.connect(url, connect_timeout=2) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None


def run(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


def test_each_database_is_empty_and_gone_afterwards_with_its_connections(postgres_server: str) -> None:
    with fresh_database(postgres_server) as first, fresh_database(postgres_server) as second:
        left_open = psycopg.connect(first)
        run(first, "CREATE TABLE t ()")
        assert value(second, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0

    with left_open, pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        value(first, "SELECT 1")


def test_an_existing_server_is_used_if_the_environment_names_it(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SERVER_VARIABLE, postgres_server)

    with running_server() as url:
        assert url == postgres_server
    assert SERVER_VARIABLE in describe_server()


def test_other_binaries_are_used_if_the_environment_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "postgres").write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)'\n")
    (tmp_path / "postgres").chmod(0o755)
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)
    monkeypatch.setenv(BINARIES_VARIABLE, str(tmp_path))

    assert describe_server() == f"PostgreSQL 15.18 ({tmp_path})"


@pytest.mark.parametrize("end", [ServerProcess.stop, ServerProcess.kill])
def test_a_server_keeps_its_data_when_it_ends_and_starts_again(
    server_process: ServerProcess, end: Callable[[ServerProcess], None]
) -> None:
    run(server_process.url, "CREATE TABLE t AS SELECT 1 AS x")

    end(server_process)
    with pytest.raises(psycopg.OperationalError):
        value(server_process.url, "SELECT 1")
    server_process.start()

    assert value(server_process.url, "SELECT x FROM t") == 1


def test_a_frozen_server_answers_once_it_is_thawed(server_process: ServerProcess) -> None:
    with psycopg.connect(server_process.url) as connection:
        server_process.freeze()
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            value(server_process.url, "SELECT 1")
        server_process.thaw()

        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_read_only_server_refuses_writes_until_it_is_writable_again(server_process: ServerProcess) -> None:
    server_process.make_read_only()
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        run(server_process.url, "CREATE TABLE t ()")

    server_process.configure(default_transaction_read_only=None)
    run(server_process.url, "CREATE TABLE t ()")


def test_a_role_in_the_password_group_needs_its_password(server_process: ServerProcess) -> None:
    run(server_process.url, f"CREATE ROLE pack LOGIN PASSWORD 'right' IN ROLE {PASSWORD_GROUP}")

    assert value(server_process.url.replace("postgres@", "pack:right@"), "SELECT user") == "pack"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        value(server_process.url.replace("postgres@", "pack:wrong@"), "SELECT user")


def test_a_promoted_synchronous_standby_has_everything_that_was_committed(server_process: ServerProcess) -> None:
    run(server_process.url, "CREATE TABLE t (x int)")
    with ServerProcess(standby_of=server_process) as standby:
        server_process.configure(synchronous_standby_names="standby")
        run(server_process.url, "INSERT INTO t VALUES (1)")
        server_process.kill()

        standby.promote()

        run(standby.url, "INSERT INTO t VALUES (2)")
        assert value(standby.url, "SELECT array_agg(x ORDER BY x) FROM t") == [1, 2]


def test_nothing_remains_of_a_server_whose_test_run_was_killed() -> None:
    program = (
        "from tests.support.postgres_server import ServerProcess\n"
        "with ServerProcess() as server:\n"
        "    print(server.url, flush=True)\n"
        "    input()\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as test_run:  # noqa: S603 - ours
        assert test_run.stdout
        url = test_run.stdout.readline().strip()
        directory = Path(url.partition("host=")[2])
        server = os.pidfd_open(int((directory / "data" / "postmaster.pid").read_text().splitlines()[0]))

        test_run.kill()
        test_run.stdout.read()  # ends when the last process that could print to it has ended

    assert not directory.exists()
    assert select.select([server], [], [], 5) == ([server], [], [])  # it has ended
    os.close(server)
