"""PostgreSQL storages whose uptime follows a manual clock."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from entrypoints.testing.manual_clock import ManualClock

_START = 1_000_000
"""The uptime at which the clock was made, in microseconds."""
_MANUAL = """
    CREATE TABLE IF NOT EXISTS flyte_slack.manual_clock (now bigint NOT NULL);
    INSERT INTO flyte_slack.manual_clock SELECT 0 WHERE NOT EXISTS (SELECT FROM flyte_slack.manual_clock);
    CREATE OR REPLACE VIEW flyte_slack.clock AS SELECT now FROM flyte_slack.manual_clock
"""
_EMPTY = """
    DO $$
    DECLARE
        filled text;
    BEGIN
        FOR filled IN
            SELECT tablename FROM pg_tables WHERE schemaname = 'flyte_slack'
            AND tablename NOT IN ('manual_clock', 'migrations', 'storage', 'uptime')
        LOOP
            EXECUTE format('DELETE FROM flyte_slack.%I', filled);
        END LOOP;
    END $$
"""


@contextmanager
def manual_uptime(url: str, clock: ManualClock) -> Iterator[None]:
    """Lets the uptime of a database with a pack's tables, which it empties, follow the clock and nothing else."""
    with psycopg.connect(url, autocommit=True) as connection:

        def observe(seconds: float) -> None:
            connection.execute("UPDATE flyte_slack.manual_clock SET now = %s", (_START + round(seconds * 1_000_000),))

        connection.execute(_EMPTY)
        connection.execute(_MANUAL)
        observe(clock.monotonic())
        clock.observers.append(observe)
        try:
            yield
        finally:
            clock.observers.remove(observe)


def empty_tables(url: str) -> None:
    """Forgets everything but the schema."""
    with psycopg.connect(url) as connection:
        connection.execute(_EMPTY)
