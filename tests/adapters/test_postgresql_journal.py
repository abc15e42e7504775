"""The journal in PostgreSQL, where rows are damaged or hold characters that PostgreSQL can't store."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from adapters.postgresql.storage import PostgresStorage
from adapters.system_clock import SystemClock
from domain.actions import ActionId, ActionState, StepName
from domain.commands import UnreadableCommand
from entrypoints.testing.storage_values import LANE_A, X, Y, action, held


@pytest.fixture
async def storage(tables_url: str) -> AsyncIterator[PostgresStorage]:
    """An open storage; two actions have been left to it, of which the first is damaged."""
    async with (earlier := PostgresStorage(tables_url, SystemClock(), lease_seconds=60)).open():
        for action_id in (X, Y):
            await earlier.journal.record(action(action_id), lane=LANE_A)
    with psycopg.connect(tables_url) as connection:
        connection.execute("UPDATE flyte_slack.journal SET command = '{' WHERE id = 'x'")
    storage = PostgresStorage(tables_url, SystemClock(), lease_seconds=60)
    async with storage.open():
        yield storage


async def test_a_damaged_action_is_set_aside_when_it_is_taken_over_and_does_not_block_its_lane(
    storage: PostgresStorage,
) -> None:
    assert [entry.action.id for entry in await storage.journal.claim_orphans(1)] == [Y]
    assert await storage.leases.acquire(LANE_A, Y)
    [dead] = [entry async for entry in storage.journal.entries(dead_lettered=True)]
    assert (dead.action.id, dead.dead_letter_reason) == (X, "unreadable: the command is damaged")


async def test_looking_at_a_damaged_action_changes_nothing(storage: PostgresStorage) -> None:
    listed = [entry async for entry in storage.journal.entries()]
    assert [entry.action.id for entry in listed] == [X, Y]
    assert isinstance(listed[0].action.command, UnreadableCommand)
    assert (await storage.journal.backlog()).dead_lettered == 0


async def test_a_damaged_action_can_be_discarded_and_keeps_nothing(storage: PostgresStorage) -> None:
    await storage.journal.claim_orphans(10)
    assert await storage.journal.discard(X)
    assert [entry async for entry in storage.journal.entries(dead_lettered=True)] == []


async def test_names_and_reasons_may_contain_any_character(storage: PostgresStorage) -> None:
    odd, step = ActionId("a\0b\x1a0"), StepName("C\0\x1a")
    await storage.journal.record(action(odd), lane=LANE_A)
    lease = await held(storage)
    await storage.journal.begin_step(odd, step, lease)
    await storage.journal.complete_step(odd, step, lease, error="no\0")
    entry = await storage.journal.load(odd)
    assert entry is not None
    assert (entry.action.id, list(entry.steps), entry.steps[step].error) == (odd, [step], "no\0")
    assert entry.state is ActionState.EXECUTING


async def test_more_actions_than_can_be_counted_at_once_are_estimated(
    storage: PostgresStorage, tables_url: str
) -> None:
    number = 20_000
    with psycopg.connect(tables_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO flyte_slack.journal (id, lane, command_name, command, state, taken_at, uptime) "
            "SELECT 'many ' || n, 'C', 'Broadcast', '{}', CASE WHEN n %% 2 = 0 THEN 'taken' ELSE 'set aside' END, 1, 1 "
            "FROM generate_series(1, %s) AS n",
            (2 * number,),
        )
        counted = await storage.journal.backlog()
        assert min(counted.waiting, counted.dead_lettered) >= number / 2
        connection.execute("VACUUM ANALYZE flyte_slack.journal")
    estimated = await storage.journal.backlog()
    assert (estimated.waiting, estimated.dead_lettered) == pytest.approx((number, number), rel=0.1)
