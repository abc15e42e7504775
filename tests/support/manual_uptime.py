"""PostgreSQL storages whose uptime follows a manual clock."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from entrypoints.testing.manual_clock import ManualClock

_START = 1_000_000
"""The uptime at which the clock was made, in microseconds."""
_MANUAL = """
    CREATE TABLE flyte_slack.manual_clock (now bigint NOT NULL);
    INSERT INTO flyte_slack.manual_clock VALUES (0);
    CREATE OR REPLACE VIEW flyte_slack.clock AS SELECT now FROM flyte_slack.manual_clock
"""


@contextmanager
def manual_uptime(url: str, clock: ManualClock) -> Iterator[None]:
    """Lets the uptime of a database with a pack's tables follow the clock, and nothing else."""
    with psycopg.connect(url, autocommit=True) as connection:

        def observe(seconds: float) -> None:
            connection.execute("UPDATE flyte_slack.manual_clock SET now = %s", (_START + round(seconds * 1_000_000),))

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
        connection.execute(
            "TRUNCATE flyte_slack.lanes, flyte_slack.outbox, flyte_slack.recognised_keys, flyte_slack.action_lanes, "
            "flyte_slack.journal, flyte_slack.steps, flyte_slack.message_keys, flyte_slack.joined, flyte_slack.gaps, "
            "flyte_slack.unjoined_memberships, flyte_slack.rates, flyte_slack.replicas, flyte_slack.transactions"
        )
