"""Actions in doubt between Flyte and the journal: given out twice, lost on the way, or taken by another replica.

Actions that are in the journal already: test_journal_resumption.py.
"""

from datetime import timedelta

import pytest

from adapters.memory.storage import MemoryStorage
from domain.commands import SendMessage
from domain.errors import (
    ActionTakenElsewhere,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnreachable,
)
from domain.events import MessageSent
from domain.messages import OutgoingMessage
from tests.support.environment import World
from tests.support.logs import captured_lines

DOWN = WorkflowUnreachable("connection refused")


def hello(world: World, text: str = "hello") -> SendMessage:
    return SendMessage(OutgoingMessage(world.c1, text))


async def test_an_action_given_out_again_is_reported_again_but_not_repeated(world: World) -> None:
    async with world.pack():
        action = world.engine.enqueue(hello(world))
        first = await world.answer(action)
        del world.engine.outcomes[action]
        world.engine.give_out_again(action)
        second = await world.answer(action)

    assert first == second
    assert world.texts == ["hello"]


async def test_an_action_given_out_twice_at_once_is_executed_once(world: World) -> None:
    world.faults.block("post")

    async with world.pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(1)
        world.engine.give_out_again(action)
        await world.clock.advance(1)
        world.faults.lift("post")
        await world.answer(action)

    assert world.texts == ["hello"]
    assert world.faults.count("complete") == 1


async def test_an_action_lost_by_a_crash_before_it_was_recorded_is_recovered(world: World) -> None:
    world.faults.block("journal.record")
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
    world.faults.lift("journal.record")
    assert await world.storage.journal.load(action) is None

    with captured_lines() as logs:
        async with world.pack():
            assert isinstance(await world.answer(action, within=10), MessageSent)

    assert world.texts == ["hello"]
    assert [line["ref"] for line in logs if line["event"] == "swallowed_action_recovered"] == [action]


async def test_actions_lost_by_a_crash_are_recovered_in_their_order_and_wait_for_the_history_at_the_same_time(
    world: World,
) -> None:
    world.faults.block("journal.record")
    async with world.killed_pack():
        actions = [world.engine.enqueue(hello(world, f"hello {number}")) for number in range(5)]
        await world.clock.advance(2)
    world.faults.lift("journal.record")

    async with world.pack():
        for action in actions:
            await world.answer(action, within=10)

    assert world.texts == [f"hello {number}" for number in range(5)]


@pytest.mark.parametrize("our_error_seconds", [7200, -7200])
async def test_an_action_lost_by_a_crash_is_recovered_whatever_our_clock_says(
    world: World, our_error_seconds: float
) -> None:
    world.pack_clock.step(our_error_seconds)
    world.faults.block("journal.record")
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
    world.faults.lift("journal.record")
    world.pack_clock.step(-our_error_seconds)

    async with world.pack():
        assert isinstance(await world.answer(action, within=10), MessageSent)

    assert world.texts == ["hello"]


async def test_an_action_whose_take_got_no_response_is_recovered_though_our_clock_is_ahead(world: World) -> None:
    world.pack_clock.step(7200)
    async with world.pack():
        await world.clock.advance(5)
        world.faults.fail_after("take", WorkflowInDoubt("connection reset"), times=1)
        action = world.engine.enqueue(hello(world))
        assert isinstance(await world.answer(action, within=10), MessageSent)


async def test_an_action_whose_take_got_no_response_is_recovered_while_the_pack_runs(world: World) -> None:
    async with world.pack():
        await world.clock.advance(5)
        world.faults.fail_after("take", WorkflowInDoubt("connection reset"), times=1)
        action = world.engine.enqueue(hello(world))
        outcome = await world.answer(action, within=10)

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


async def test_actions_that_wait_to_be_recorded_are_not_recovered_meanwhile(world: World) -> None:
    with captured_lines() as logs:
        async with world.pack():
            await world.clock.advance(5)
            world.faults.block("journal.record")
            world.faults.fail_after("take", WorkflowInDoubt("connection reset"), times=1)
            actions = [world.engine.enqueue(hello(world, f"hello {number}")) for number in range(4)]
            await world.clock.advance(60)
            world.faults.lift("journal.record")
            for action in actions:
                await world.answer(action, within=120)

    assert [line["ref"] for line in logs if line["event"] == "swallowed_action_recovered"] == [actions[0]]
    assert sorted(world.texts) == ["hello 0", "hello 1", "hello 2", "hello 3"]


async def test_an_action_held_by_another_replica_is_left_to_it(world: World) -> None:
    world.faults.block("journal.set_outcome")
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
    world.faults.lift("journal.set_outcome")
    others = world.storage

    world.storage = MemoryStorage(world.clock)
    async with world.pack():
        await world.clock.advance(10)
        assert action not in world.engine.outcomes

    world.storage = others
    async with world.pack():
        assert isinstance(await world.answer(action, within=10), MessageSent)
    assert world.texts == ["hello"]


async def test_a_lost_action_that_another_replica_executed_is_not_executed_again(
    world: World,
) -> None:
    world.faults.block("journal.set_outcome")
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
    world.faults.lift("journal.set_outcome")

    world.storage = MemoryStorage(world.clock)
    await world.storage.journal.open_poll_session(world.clock.now() - timedelta(seconds=10))  # another killed replica
    async with world.pack():
        assert isinstance(await world.answer(action, within=10), MessageSent)
    assert world.texts == ["hello"]


async def test_a_lost_action_that_another_replica_executed_is_not_executed_again_though_our_clock_is_ahead(
    world: World,
) -> None:
    world.faults.block("journal.set_outcome")
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
    world.faults.lift("journal.set_outcome")

    world.pack_clock.step(7200)
    world.storage = MemoryStorage(world.pack_clock)
    await world.storage.journal.open_poll_session(world.clock.now() - timedelta(seconds=10))  # another killed replica
    async with world.pack():
        assert isinstance(await world.answer(action, within=10), MessageSent)
    assert world.texts == ["hello"]


async def test_a_recovered_action_killed_after_its_post_is_not_posted_again(world: World) -> None:
    world.faults.fail_after("take", WorkflowInDoubt("connection reset"), times=1)
    world.faults.block("journal.set_outcome")
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(20)
        assert world.texts == ["hello"]
    world.faults.lift("journal.set_outcome")

    async with world.pack():
        assert isinstance(await world.answer(action), MessageSent)

    assert world.texts == ["hello"]


async def test_a_take_in_doubt_stays_in_doubt_over_restarts_until_it_is_resolved(world: World) -> None:
    world.faults.fail_after("take", WorkflowInDoubt("connection reset"), times=1)
    world.faults.fail_before("open_actions", DOWN)
    action = world.engine.enqueue(hello(world))
    for _ in range(2):
        async with world.pack():
            await world.clock.advance(1)
    world.faults.lift("open_actions")

    async with world.pack():
        assert isinstance(await world.answer(action, within=20), MessageSent)

    assert world.texts == ["hello"]


async def test_a_lost_action_that_the_engine_records_as_waiting_is_recovered(world: World) -> None:
    world.faults.block("journal.record")
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world))
        world.engine.record_as_waiting(action)
        await world.clock.advance(2)
    world.faults.lift("journal.record")

    with captured_lines() as logs:
        async with world.pack():
            assert isinstance(await world.answer(action, within=30), MessageSent)
            await world.clock.advance(60)

    assert world.texts == ["hello"]
    assert [line["ref"] for line in logs if line["event"] == "swallowed_action_recovered"] == [action]
    assert world.faults.count("open_actions") == 2


async def test_a_lost_action_recorded_as_waiting_whose_post_was_sent_is_not_posted_again(world: World) -> None:
    world.faults.block("journal.set_outcome")
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world))
        world.engine.record_as_waiting(action)
        await world.clock.advance(2)
    world.faults.lift("journal.set_outcome")
    assert world.texts == ["hello"]

    world.storage = MemoryStorage(world.clock)
    await world.storage.journal.open_poll_session()  # the storage of the killed pack is lost
    async with world.pack():
        assert isinstance(await world.answer(action, within=60), MessageSent)
    assert world.texts == ["hello"]


async def test_an_action_whose_take_got_no_response_is_recovered_even_if_recorded_as_waiting(world: World) -> None:
    async with world.pack():
        await world.clock.advance(5)
        world.faults.fail_after("take", WorkflowInDoubt("connection reset"), times=1)
        action = world.engine.enqueue(hello(world))
        world.engine.record_as_waiting(action)
        assert isinstance(await world.answer(action, within=60), MessageSent)

    assert world.texts == ["hello"]


async def test_actions_that_really_wait_are_taken_and_not_recovered(world: World) -> None:
    async with world.killed_pack():
        await world.clock.advance(5)
    actions = [world.engine.enqueue(hello(world, str(number))) for number in range(5)]

    with captured_lines() as logs:
        async with world.pack():
            for action in actions:
                await world.answer(action, within=30)
            await world.clock.advance(60)

    assert world.texts == ["0", "1", "2", "3", "4"]
    assert "swallowed_action_recovered" not in {line["event"] for line in logs}
    assert world.faults.count("open_actions") == 2


async def test_actions_recorded_as_waiting_are_not_recovered_while_takes_find_some(world: World) -> None:
    world.faults.block("journal.record")
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world, "lost"))
        world.engine.record_as_waiting(action)
        await world.clock.advance(2)
    world.faults.lift("journal.record")

    async with world.pack():
        world.faults.fail_before("take", ActionTakenElsewhere("a race"))
        await world.clock.advance(120)
        assert action not in world.engine.outcomes
        world.faults.lift("take")
        assert isinstance(await world.answer(action, within=30), MessageSent)


async def test_a_waiting_record_is_settled_by_the_next_pack_if_this_one_ends_before(world: World) -> None:
    world.faults.block("journal.record")
    async with world.killed_pack():
        action = world.engine.enqueue(hello(world))
        world.engine.record_as_waiting(action)
        await world.clock.advance(2)
    world.faults.lift("journal.record")

    for _ in range(3):
        async with world.pack():
            await world.clock.advance(3)
    assert action not in world.engine.outcomes
    async with world.pack():
        assert isinstance(await world.answer(action, within=30), MessageSent)


async def test_a_failing_search_for_pending_actions_is_retried_with_pauses(world: World) -> None:
    world.faults.fail_after("take", WorkflowInDoubt("connection reset"), times=1)
    world.faults.fail_before("open_actions", WorkflowServerError("500"), times=2)

    async with world.pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(15)
        assert world.faults.count("open_actions") == 2
        assert isinstance(await world.answer(action, within=40), MessageSent)

    assert world.texts == ["hello"]


async def test_pending_actions_are_queried_only_after_a_kill(world: World) -> None:
    async with world.pack():
        for _ in range(5):
            await world.outcome(hello(world))
    async with world.killed_pack():
        await world.clock.advance(60)
    assert world.faults.count("open_actions") == 0

    async with world.pack():
        await world.clock.advance(60)
    assert world.faults.count("open_actions") == 1

    async with world.pack():
        await world.clock.advance(60)
    assert world.faults.count("open_actions") == 1


async def test_an_engine_that_cannot_list_pending_actions_does_not_block_others(world: World) -> None:
    world.faults.fail_before("open_actions", WorkflowServerError("500"))

    async with world.pack():
        assert isinstance(await world.outcome(hello(world)), MessageSent)
