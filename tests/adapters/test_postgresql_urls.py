"""URLs of databases."""

import pytest
from psycopg import OperationalError

from adapters.postgresql.connection_settings import connection_failure, location_of, parameters_of
from domain.errors import StorageUnavailable, StorageUnusable

URL = "postgresql://me:secret@one:5433,two/pack"


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("postgresql://", {}),
        ("postgres:///pack", {"dbname": "pack"}),
        ("POSTGRESQL://host/pack", {"host": "host", "dbname": "pack"}),
        (
            f"{URL}?target_session_attrs=read-write&sslmode=verify-full&connect_timeout=3",
            {
                "user": "me",
                "password": "secret",
                "host": "one,two",
                "port": "5433,",
                "dbname": "pack",
                "target_session_attrs": "read-write",
                "sslmode": "verify-full",
                "connect_timeout": "3",
            },
        ),
        (
            "postgresql://me:a%2Fb%40c@/pack?host=/run/db",
            {"user": "me", "password": "a/b@c", "dbname": "pack", "host": "/run/db"},
        ),
        (
            "postgresql:///p?host=@abstract&options=-c%20geqo%3Doff",
            {"host": "@abstract", "dbname": "p", "options": "-c geqo=off"},
        ),
        ("postgresql://[::1]:6543/a%40b", {"host": "::1", "port": "6543", "dbname": "a@b"}),
    ],
)
def test_a_url_may_have_everything_that_libpq_knows(url: str, parameters: dict[str, str]) -> None:
    assert parameters_of(url) == parameters


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql:secret", "two slashes"),
        (f"{URL}?secret_mode=1", "the parameter secret_mode is unknown"),
        (f"{URL}?sslmode=secret", "the parameter sslmode has a value"),
        (f"{URL}?target_session_attrs=secret", "the parameter target_session_attrs has"),
        (f"{URL}?connect_timeout=secret", "the parameter connect_timeout must be a whole number"),
        (f"{URL}?keepalives_idle=secret", "the parameter keepalives_idle must be a whole number"),
        (f"{URL}?replication=database", "the parameter replication is not for packs"),
        (f"{URL}?service=secret", "the parameter service has"),
        ("postgresql:///secret?host=one,two&port=1,2,3", "the parameter port has"),
        ("postgresql://one:secret/pack", "the parameter port has"),
        (f"{URL}?min_protocol_version=3.2&max_protocol_version=3.0", "parameters .*max_protocol_version.* don't fit"),
        (f"{URL}?secret", "the URL is malformed .missing key/value separator"),
        ("postgresql://me:sec%ret@host/pack", "the URL is malformed .invalid percent-encoded token"),
        ("postgresql://[secret/pack", "the URL is malformed"),
        ("postgresql://me:p@secret@host/pack", "write /, @, : and % in user, password and database as %XX"),
        ("postgresql://me:12/secret@host/pack", "write /, @, : and %"),
        ("postgresql://me:12/secret?x=y@host/pack", "write /, @, : and %"),
    ],
)
def test_any_other_url_is_rejected_by_the_name_of_its_parameter_alone(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        parameters_of(url)
    assert "secret" not in str(refused.value).replace("secret_mode", "")


@pytest.mark.parametrize(
    ("url", "location"),
    [
        (URL, "PostgreSQL database pack at one:5433, two"),
        ("postgresql://one,two:5433/pack", "PostgreSQL database pack at one, two:5433"),
        ("postgresql://me:secret@/?host=/run/db&password=secret", "PostgreSQL database me at /run/db"),
        ("postgresql:///pack?hostaddr=::1&port=1", "PostgreSQL database pack at ::1:1"),
        ("postgresql://", "PostgreSQL database of the default name at localhost"),
    ],
)
def test_a_database_is_described_by_its_name_and_servers(url: str, location: str) -> None:
    assert location_of(parameters_of(url)) == location


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ('FATAL:  password authentication failed for user "me"', "the user or the password"),
        ("fe_sendauth: no password supplied", "the password"),
        ('FATAL:  database "pack" does not exist', "the database's name"),
        ('FATAL:  role "me" does not exist', "the user"),
        ('FATAL:  no pg_hba.conf entry for host "::1", user "me"', "the user, the database or sslmode"),
        ('root certificate file "/root.crt" does not exist', "sslmode, sslrootcert, sslcert or sslkey"),
    ],
)
def test_a_failure_that_would_recur_names_the_variable_and_the_parameter(text: str, parameter: str) -> None:
    failure = connection_failure(OperationalError(f"connection failed: {text} (secret)"), parameters_of(URL))
    assert isinstance(failure, StorageUnusable)
    assert f"correct {parameter} in the URL (FLYTE_SLACK_STORAGE)" in str(failure)
    assert "secret" not in str(failure)


@pytest.mark.parametrize(
    "text",
    [
        "Connection refused\n\tIs the server running on that host?",
        "FATAL:  the database system is starting up",
        'could not translate host name "certificate.example" to address: Name or service not known',
        "SSL error: unexpected eof while reading",
        "FATAL:  sorry, too many clients already",
    ],
)
def test_a_server_that_is_away_may_come_back(text: str) -> None:
    assert isinstance(connection_failure(OperationalError(text), parameters_of(URL)), StorageUnavailable)
