"""The URL of a database: which parameters it has, whether libpq accepts them, and what may be shown of it."""

import re
from collections.abc import Mapping
from typing import Final

from psycopg import OperationalError, ProgrammingError, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.postgresql.refusals import Refusal
from domain.errors import StorageError, StorageUnavailable, StorageUnusable

VARIABLE: Final = "FLYTE_SLACK_STORAGE"
_NOWHERE: Final = "/nonexistent"
"""A directory of sockets: libpq checks all parameters, and then connects to nothing."""
_MISPLACED: Final = "postgresql: the URL is malformed; write /, @, : and % in user, password and database as %XX"
_NOT_FOR_PACKS: Final = ("replication",)
_WHOLE_NUMBERS: Final = (
    *("connect_timeout", "tcp_user_timeout"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
)
"""Parameters whose values libpq looks at only when it connects."""

_SECRET: Final = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
_CAUSES: Final = (
    (r"no password supplied|requires? .*password", "the password"),
    (r"password authentication failed|SASL authentication failed", "the user or the password"),
    (r"role X does not exist|no such user|role X is not permitted", "the user"),
    (r"database X does not exist|no such database|permission denied for database", "the database's name"),
    (r"unsupported startup parameter", "options"),
    (r"no pg_hba\.conf entry|pg_hba\.conf rejects", "the user, the database or sslmode"),
    (r"certificate|server does not support SSL", "sslmode, sslrootcert, sslcert or sslkey"),
)
"""Failures that a later attempt would meet again, with X for all names, and what to correct.

Of libpq, and of servers and poolers that speak English, where the code does not tell.
"""


def parameters_of(url: str) -> Mapping[str, str]:
    """Returns the parameters in the URL of a database. Raises ValueError that names what is wrong, but no value."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ValueError("postgresql: needs two slashes: postgresql://host/database")
    try:
        parameters = conninfo_to_dict(f"{scheme.lower()}://{rest}")
    except ProgrammingError as error:
        raise ValueError(_complaint(str(error), rest)) from None
    given = {name: str(value) for name, value in parameters.items()}
    if "@" in given.get("host", "")[1:] or ("@" in given.get("dbname", "") and "%40" not in rest):
        raise ValueError(_MISPLACED)
    _check(given)
    return given


def location_of(parameters: Mapping[str, str]) -> str:
    """Returns where the database is: its name and its servers, without user and password."""
    hosts, ports = (parameters.get(name, "").split(",") for name in ("host", "port"))
    hosts = hosts if any(hosts) else parameters.get("hostaddr", "").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    servers = [f"{host or 'localhost'}{port and ':'}{port}" for host, port in zip(hosts, ports, strict=False)]
    name = parameters.get("dbname") or parameters.get("user") or "of the default name"
    return f"PostgreSQL database {name} at {', '.join(servers)}"


def connection_failure(
    error: OperationalError, parameters: Mapping[str, str], refusal: Refusal | None = None
) -> StorageError:
    """Returns what an operator reads: StorageUnusable if no later attempt can succeed, else StorageUnavailable."""
    text = " ".join(_without_passwords(str(error), parameters).split())
    if parameter := (refusal and refusal.cause(parameters)) or _cause_in(text):
        return StorageUnusable(f"can't connect: {text}; correct {parameter} in the URL ({VARIABLE})")
    return StorageUnavailable(f"can't connect: {text}")


def _cause_in(text: str) -> str:
    without_names = re.sub(r'"[^"]*"', "X", text)
    return next((parameter for pattern, parameter in _CAUSES if re.search(pattern, without_names)), "")


def _without_passwords(text: str, parameters: Mapping[str, str]) -> str:
    for name in _SECRET:
        if value := parameters.get(name):
            text = text.replace(value, "***")
    return text


def _complaint(text: str, url: str) -> str:
    """Returns what libpq says about a malformed URL. Of what it quotes, only a parameter's name is repeated."""
    if "@" in url.partition("/")[2]:
        return _MISPLACED
    if unknown := re.search(r'invalid URI query parameter: "(\w*)"', text):
        return f"postgresql: the parameter {unknown[1]} is unknown"
    problem = re.sub(r'[:,]?\s*(in URI|in connection info string)?:?\s*".*', "", text, flags=re.DOTALL).strip()
    return f"postgresql: the URL is malformed ({problem}); write special characters in it as %XX"


def _check(parameters: Mapping[str, str]) -> None:
    """Raises ValueError that names a parameter whose value can't be used."""
    for name in _NOT_FOR_PACKS:
        if name in parameters:
            raise ValueError(f"postgresql: the parameter {name} is not for packs; remove it")
    for name in _WHOLE_NUMBERS:
        if not re.fullmatch(r"-?\d{1,9}", parameters.get(name, "0")):
            raise ValueError(f"postgresql: the parameter {name} must be a whole number")
    hosts = (parameters.get("hostaddr") or parameters.get("host", "")).split(",")
    nowhere = ",".join(_NOWHERE for _ in hosts)
    others = {name: value for name, value in parameters.items() if name not in ("host", "hostaddr")}
    for name, value in others.items():
        if not _is_accepted({name: value, "host": nowhere}):
            raise ValueError(f"postgresql: the parameter {name} has a value that libpq does not accept")
    if not _is_accepted({**others, "host": nowhere}):
        raise ValueError(f"postgresql: the parameters {', '.join(sorted(others))} don't fit together")


def _is_accepted(parameters: Mapping[str, str]) -> bool:
    connection = pq.PGconn.connect_start(make_conninfo("", **parameters).encode())
    try:
        return connection.status != pq.ConnStatus.BAD or _NOWHERE.encode() in connection.error_message
    finally:
        connection.finish()
