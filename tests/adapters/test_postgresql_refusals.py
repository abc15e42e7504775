"""Connections that a PostgreSQL server refuses, in whatever language."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from adapters.postgresql.diagnostics import inspect
from domain.errors import StorageError, StorageUnavailable, StorageUnusable
from tests.support.postgres_server import PASSWORD_GROUP

ROLES = {"guarded": f"LOGIN PASSWORD 'hush' IN ROLE {PASSWORD_GROUP}", "idle": "NOLOGIN", "guest": "LOGIN"}
ASK_FOR_PASSWORD = b"R\x00\x00\x00\x08\x00\x00\x00\x03"


def named(parameter: str) -> str:
    return f"correct {parameter} in the URL .FLYTE_SLACK_STORAGE"


async def failure(url: str) -> StorageError:
    with pytest.raises(StorageError) as failed:
        await inspect(url)
    return failed.value


@pytest.fixture
def url_for(database_url: str) -> Iterator[Callable[[str], str]]:
    """Returns the URL for a user. The guest may not use the database."""
    database = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        for role, options in ROLES.items():
            connection.execute(f"CREATE ROLE {database}_{role} {options}".encode())
        connection.execute(f"REVOKE CONNECT ON DATABASE {database} FROM public".encode())
        connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {database}_guarded".encode())
        yield lambda user: database_url.replace("postgres@", f"{database}_{user}@")
        for role in ROLES:
            connection.execute(f"DROP OWNED BY {database}_{role}; DROP ROLE {database}_{role}".encode())


@pytest.mark.parametrize(
    ("user", "parameter"),
    [
        ("guarded", "the password"),
        ("guarded:wrong", "the user or the password"),
        ("unknown", "the user"),
        ("idle", "the user"),
        ("guest", "the database's name"),
    ],
)
async def test_a_refusal_names_what_to_correct(url_for: Callable[[str], str], user: str, parameter: str) -> None:
    with pytest.raises(StorageUnusable, match=named(parameter)):
        await inspect(url_for(user))


@pytest.mark.parametrize("options", ["-c nonsense=1", "-c geqo=maybe", "nonsense", "-c fsync=off"])
async def test_options_that_the_server_does_not_accept_are_named(database_url: str, options: str) -> None:
    with pytest.raises(StorageUnusable, match=named("options")):
        await inspect(f"{database_url}&options={quote(options)}")


async def test_options_that_need_more_rights_are_named(url_for: Callable[[str], str]) -> None:
    with pytest.raises(StorageUnusable, match=named("options")):
        await inspect(f"{url_for('guarded:hush')}&options=-clog_statement%3Dall")


async def test_an_unknown_database_is_named(database_url: str) -> None:
    with pytest.raises(StorageUnusable, match=named("the database's name")):
        await inspect(urlsplit(database_url)._replace(path="/nowhere").geturl())


@asynccontextmanager
async def refusing_server(*messages: bytes) -> AsyncIterator[str]:
    """A server that sends these messages, one after each that it gets. Yields its URL."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for message in messages:
            await reader.read(1000)
            writer.write(message)
        writer.close()

    with tempfile.TemporaryDirectory(prefix="flyte-slack-", dir="/tmp") as directory:
        server = await asyncio.start_unix_server(refuse, Path(directory, ".s.PGSQL.5432"))
        async with server:
            yield f"postgresql://me:hush@/pack?host={directory}&options=-cgeqo%3Doff"


def error(code: str, text: str, routine: str) -> bytes:
    """An error as PostgreSQL sends it with `lc_messages = 'de_DE'`."""
    fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": text, "F": "auth.c", "L": "1", "R": routine}
    body = b"".join(f"{name}{value}".encode() + b"\x00" for name, value in fields.items()) + b"\x00"
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    ("messages", "parameter"),
    [
        (
            (ASK_FOR_PASSWORD, error("28P01", "Passwort-Authentifizierung für Benutzer »me«", "auth_failed")),
            "the user or the password",
        ),
        ((error("28000", "Rolle »me« existiert nicht", "InitializeSessionUserId"),), "the user"),
        (
            (error("28000", "kein pg_hba.conf-Eintrag für Host »::1«", "ClientAuthentication"),),
            "the user, the database or sslmode",
        ),
        ((error("3D000", "Datenbank »pack« existiert nicht", "InitPostgres"),), "the database's name"),
        ((error("42501", "keine Berechtigung für Datenbank »pack«", "CheckMyDatabase"),), "the database's name"),
        ((error("42704", "unbekannter Konfigurationsparameter »x«", "find_option"),), "options"),
    ],
)
async def test_a_server_may_speak_any_language(messages: tuple[bytes, ...], parameter: str) -> None:
    async with refusing_server(*messages) as url:
        with pytest.raises(StorageUnusable, match=named(parameter)):
            await inspect(url)


@pytest.mark.parametrize(
    ("code", "text", "routine"),
    [
        ("57P03", "das Datenbanksystem startet", "ProcessStartupPacket"),
        ("53300", "tut mir leid, schon zu viele Verbindungen", "InitProcess"),
        ("53300", "zu viele Verbindungen für Rolle »me«", "InitializeSessionUserId"),
        ("53300", "zu viele Verbindungen für Datenbank »pack«", "CheckMyDatabase"),
        ("55000", "Datenbank »pack« akzeptiert gegenwärtig keine Verbindungen", "CheckMyDatabase"),
    ],
)
async def test_a_server_that_refuses_for_a_while_is_waited_for(code: str, text: str, routine: str) -> None:
    async with refusing_server(error(code, text, routine)) as url:
        assert isinstance(await failure(url), StorageUnavailable)


async def test_no_refusal_tells_the_password() -> None:
    async with refusing_server(ASK_FOR_PASSWORD, error("28P01", "»hush« ist falsch", "auth_failed")) as url:
        assert "hush" not in str(await failure(url))
