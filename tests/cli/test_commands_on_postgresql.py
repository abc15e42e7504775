"""Operators' commands on a PostgreSQL database, beside a pack that uses it."""

import asyncio
import os
from collections.abc import AsyncIterator

import psycopg
import pytest
from click.testing import CliRunner, Result

from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from domain.outbox import Claim
from entrypoints.cli.commands import main
from entrypoints.testing.storage_values import LANE_A, A, X, action, new_entry

pytestmark = pytest.mark.usefixtures("restored_logging")


@pytest.fixture
async def pack(tables_url: str) -> AsyncIterator[PostgresStorage]:
    """The storage of a pack that is running."""
    async with (storage := PostgresStorage(tables_url, SystemClock(), lease_seconds=20)).open():
        yield storage


@pytest.fixture
async def claim(pack: PostgresStorage) -> Claim:
    """Two messages in the hands of the pack; a third one is set aside, and so is an action."""
    await pack.outbox.append([new_entry(A, number) for number in (1, 2, 3)])
    [claim] = await pack.outbox.claim(1, 10, 20)
    await pack.outbox.dead_letter(claim, claim.entries[0], "refused as malformed")
    await pack.journal.record(action(X), lane=LANE_A)
    return claim


async def run(url: str, *arguments: str) -> Result:
    environment = {**dict.fromkeys(os.environ), "FLYTE_SLACK_STORAGE": url}
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environment)


@pytest.mark.usefixtures("claim")
async def test_entries_are_listed(tables_url: str) -> None:
    _, *messages = (await run(tables_url, "outbox", "list")).stdout.splitlines()
    assert [message.split()[0] for message in messages] == [new_entry(A, number).key for number in (2, 3, 1)]
    assert "taken Broadcast" in (await run(tables_url, "journal", "list")).stdout


@pytest.mark.usefixtures("claim")
async def test_a_dead_letter_is_queued_again(tables_url: str, pack: PostgresStorage) -> None:
    result = await run(tables_url, "outbox", "retry", "--all")
    assert "queued again" in result.stdout
    assert (await pack.outbox.backlog()).dead_lettered == 0


@pytest.mark.usefixtures("claim")
async def test_what_the_pack_works_on_is_not_discarded(tables_url: str, pack: PostgresStorage) -> None:
    for queue, key in (("outbox", new_entry(A, 2).key), ("journal", X)):
        assert "the pack is working on it" in (await run(tables_url, queue, "discard", key, "--yes")).stdout
    assert (await pack.outbox.backlog()).waiting == 2


async def test_a_claim_of_the_pack_outlives_a_command(tables_url: str, pack: PostgresStorage, claim: Claim) -> None:
    await run(tables_url, "outbox", "list")
    await pack.outbox.ack(claim, claim.entries[1])
    await pack.outbox.release(claim)


async def test_a_command_is_no_pack_to_the_others(tables_url: str, pack: PostgresStorage) -> None:
    await run(tables_url, "journal", "list")
    assert await pack.replicas.others() == []
    with psycopg.connect(tables_url) as connection:
        assert connection.execute("SELECT count(*) FROM flyte_slack.replicas").fetchone() == (1,)


async def test_pauses_are_listed_and_lifted(tables_url: str, pack: PostgresStorage) -> None:
    await pack.rate_limiter.pause("chat.postMessage", 600)
    assert "chat.postMessage" in (await run(tables_url, "pauses", "list")).stdout
    assert (await run(tables_url, "pauses", "lift", "--all")).stdout == "chat.postMessage: lifted\n"
    assert await pack.rate_limiter.pause_left("chat.postMessage") == 0


async def test_a_database_without_tables_is_left_as_it_is(database_url: str) -> None:
    result = await run(database_url, "outbox", "list")
    assert result.exit_code == 1
    assert "none has run there yet" in result.stderr
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT to_regnamespace('flyte_slack')").fetchone() == (None,)


async def test_a_failure_shows_no_password(tables_url: str) -> None:
    result = await run(tables_url.replace("postgres@", "nobody:hush@"), "pauses", "list")
    assert result.exit_code == 1
    assert "hush" not in result.output
