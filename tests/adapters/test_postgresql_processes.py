"""Packs on PostgreSQL that were killed and are started again on the same machine."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from adapters.postgresql.processes import has_ended, own_process
from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from entrypoints.testing.shared_actions_contract import orphans
from entrypoints.testing.storage_values import LANE_A, LEASE, A, X, new_entry

HOLD = """
import asyncio, sys
from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from entrypoints.testing.storage_values import LANE_A, LEASE, A, action, held, new_entry

async def hold():
    async with (storage := PostgresStorage(sys.argv[1], SystemClock(), lease_seconds=LEASE)).open():
        await storage.outbox.append([new_entry(A, 1)])
        await storage.outbox.claim(1, 1, LEASE)
        await storage.journal.record(action(), lane=LANE_A)
        await held(storage)
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""
PROJECT = Path(__file__).parents[2]


def storage_at(url: str) -> PostgresStorage:
    return PostgresStorage(url, SystemClock(), lease_seconds=LEASE)


def run_until_killed(url: str) -> None:
    """Runs a process that has an event, an action and its lane in hand, and kills it."""
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, cwd=PROJECT) as process:  # noqa: S603 - ours
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        process.kill()


async def test_a_pack_that_starts_does_not_wait_for_the_lease_of_a_killed_one(tables_url: str) -> None:
    run_until_killed(tables_url)
    async with (storage := storage_at(tables_url)).open():
        assert await orphans(storage) == [X]
        assert await storage.leases.acquire(LANE_A, X)
        [claim] = await storage.outbox.claim(1, 1, LEASE)
        assert claim.entries == (new_entry(A, 1),)
        assert claim.previous_lease_expired


async def test_a_killed_process_of_another_machine_is_waited_for(tables_url: str) -> None:
    run_until_killed(tables_url)
    with psycopg.connect(tables_url) as connection:
        connection.execute("UPDATE flyte_slack.replicas SET process = 'elsewhere ' || process")
    async with (storage := storage_at(tables_url)).open():
        assert await orphans(storage) == []
        assert await storage.outbox.claim(1, 1, LEASE) == []


def test_a_process_has_ended_once_it_is_gone_or_its_number_is_that_of_another_one() -> None:
    own = own_process()
    machine, _, started_at = own.rsplit(" ", 2)
    with subprocess.Popen(["/bin/true"]) as gone:
        pass
    assert not has_ended(own)
    assert has_ended(f"{machine} {gone.pid} {started_at}")
    assert has_ended(f"{machine} {os.getpid()} 1")


@pytest.mark.parametrize("process", ["", "nonsense", "elsewhere 4194305 1"])
def test_a_process_of_which_nothing_is_known_has_not_ended(process: str) -> None:
    assert not has_ended(process)
