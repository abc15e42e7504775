"""Reporting results to the engine until it accepts them."""

import pytest

from domain.actions import ActionState, JournalEntry
from domain.commands import UnknownCommand
from domain.errors import (
    PackNotRegistered,
    PathRefused,
    RejectedByWorkflow,
    WorkflowError,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnreachable,
)
from domain.events import Fatal
from tests.support.environment import World
from tests.support.logs import captured_lines

COMMAND = UnknownCommand("SendFax")
OUTCOME = Fatal('no handler could be found for command "SendFax"')
FAILED = WorkflowServerError("500")
LOST = WorkflowInDoubt("connection reset")
DOWN = WorkflowUnreachable("connection refused")


@pytest.fixture
def world() -> World:
    return World()


async def run(world: World, seconds: float = 10) -> JournalEntry:
    """Runs the pack with one action; returns its journal entry at the end."""
    async with world.pack():
        action = world.engine.enqueue(COMMAND)
        await advance_without_polling(world, seconds)
    return await world.in_journal(action)


async def advance_without_polling(world: World, seconds: float) -> None:
    """Lets time pass without polling, which would slow the test down."""
    await world.clock.advance(2)
    world.faults.block("take")
    await world.clock.advance(seconds)
    world.faults.lift("take")


async def test_a_result_carries_the_time_at_which_the_action_was_completed(world: World) -> None:
    world.faults.fail_before("complete", FAILED, times=3)

    entry = await run(world)

    ((outcome, at),) = world.engine.outcomes.values()
    assert (outcome, at) == (OUTCOME, entry.completed_at)
    assert entry.state is ActionState.REPORTED


async def test_a_result_waits_out_an_outage_of_the_engine(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for method in ("complete", "register", "take"):
            world.faults.fail_before(method, DOWN)
        world.faults.lift("take")
        action = world.engine.enqueue(COMMAND)
        await advance_without_polling(world, 600)
        assert action not in world.engine.outcomes
        for method in ("complete", "register"):
            world.faults.lift(method)
        assert await world.answer(action, within=11) == OUTCOME


async def test_a_result_in_doubt_that_the_engine_has_is_not_repeated(world: World) -> None:
    world.faults.fail_after("complete", LOST, times=1)

    entry = await run(world)

    assert world.faults.count("complete") == 1
    assert entry.state is ActionState.REPORTED


async def test_a_result_in_doubt_that_the_engine_does_not_have_is_repeated(world: World) -> None:
    world.faults.fail_before("complete", LOST, times=2)

    entry = await run(world)

    assert world.faults.count("complete") == 3
    assert len(world.engine.outcomes) == 1
    assert entry.state is ActionState.REPORTED


async def test_without_the_audit_a_500_after_a_lost_response_counts_as_reported(world: World) -> None:
    world.faults.fail_after("complete", LOST, times=1)
    world.faults.fail_before("completion_of", FAILED)

    entry = await run(world)

    assert world.faults.count("complete") == 2
    assert entry.state is ActionState.REPORTED


async def test_without_the_audit_a_single_500_is_retried(world: World) -> None:
    world.faults.fail_before("complete", FAILED, times=3)
    world.faults.fail_before("completion_of", FAILED)

    entry = await run(world)

    assert world.faults.count("complete") == 4
    assert entry.state is ActionState.REPORTED


async def test_without_the_audit_endless_500s_are_dead_lettered_after_an_hour(world: World) -> None:
    world.faults.fail_before("complete", FAILED)
    world.faults.fail_before("completion_of", FAILED)

    with captured_lines() as logs:
        entry = await run(world, seconds=4500)

    assert entry.state is ActionState.DEAD_LETTERED
    assert entry.dead_letter_reason == "500"
    assert entry.outcome == OUTCOME
    times = world.faults.called_at("complete")
    assert 2700 <= times[-1] - times[0] <= 4200
    assert [line["log_level"] for line in logs if line["event"] == "answer_set_aside"] == ["error"]


async def test_a_result_that_only_a_wide_search_of_the_record_finds_is_soon_known_to_be_reported(world: World) -> None:
    world.faults.fail_after("complete", FAILED)

    async with world.pack():
        action = world.engine.enqueue(COMMAND)
        world.engine.record_as_old(action)
        await advance_without_polling(world, 10)

    assert (await world.in_journal(action)).state is ActionState.REPORTED


async def test_a_result_that_the_engine_does_not_take_is_searched_for_widely_a_few_times_an_hour(world: World) -> None:
    world.faults.fail_before("complete", FAILED)

    async with world.pack():
        action = world.engine.enqueue(COMMAND)
        world.engine.record_as_old(action)
        await advance_without_polling(world, 3500)

    entry = await world.in_journal(action)
    searches = [since for _, since in world.faults.called_with("completion_of")]
    assert len(searches) > 50
    assert [since for since in searches if since] == [entry.taken_at] * 3
    assert searches[:3] == [None, None, entry.taken_at]


async def test_a_result_that_is_refused_while_the_record_says_waiting_counts_as_reported_after_some_minutes(
    world: World,
) -> None:
    world.faults.fail_after("complete", FAILED)
    with captured_lines() as logs:
        async with world.pack():
            action = world.engine.enqueue(COMMAND)
            world.engine.record_as_waiting(action)
            await advance_without_polling(world, 400)

    assert (await world.in_journal(action)).state is ActionState.REPORTED
    times = world.faults.called_at("complete")
    assert 120 <= times[-1] - times[0] <= 300
    assert [line["ref"] for line in logs if line["event"] == "answer_assumed_taken"] == [action]


async def test_a_result_in_doubt_is_not_reported_by_a_record_that_says_waiting(world: World) -> None:
    world.faults.fail_before("complete", LOST, times=30)
    async with world.pack():
        action = world.engine.enqueue(COMMAND)
        world.engine.record_as_waiting(action)
        await advance_without_polling(world, 3000)

    assert world.engine.outcomes[action][0] == OUTCOME
    assert (await world.in_journal(action)).state is ActionState.REPORTED


async def test_a_result_whose_path_is_refused_is_kept_and_reported_later(world: World) -> None:
    world.faults.fail_before("complete", PathRefused("404 Not Found"))
    async with world.pack():
        action = world.engine.enqueue(COMMAND)
        await advance_without_polling(world, 4 * 3600)
        assert (await world.in_journal(action)).state is ActionState.COMPLETED
        assert not world.is_healthy("flyte")
        world.faults.lift("complete")
        assert await world.answer(action, within=61) == OUTCOME


async def test_a_result_is_reported_again_while_the_audit_does_not_have_it(world: World) -> None:
    world.faults.fail_before("complete", FAILED)

    async with world.pack():
        action = world.engine.enqueue(COMMAND)
        await advance_without_polling(world, 1800)
        world.faults.lift("complete")
        assert await world.answer(action, within=61) == OUTCOME


@pytest.mark.parametrize("refusal", [RejectedByWorkflow("400"), PackNotRegistered("404")])
async def test_a_rejected_result_is_dead_lettered_and_blocks_nothing(world: World, refusal: WorkflowError) -> None:
    world.faults.fail_before("complete", refusal, times=2)

    async with world.pack():
        action = world.engine.enqueue(COMMAND)
        await world.clock.advance(5)
        if isinstance(refusal, RejectedByWorkflow):
            world.faults.lift("complete")
        assert await world.outcome(COMMAND) == OUTCOME

    entry = await world.in_journal(action)
    assert entry.state is ActionState.DEAD_LETTERED
    assert entry.dead_letter_reason == str(refusal)
    assert (await world.storage.journal.backlog()).dead_lettered == 1


async def test_a_result_is_reported_after_a_forgotten_pack_is_registered_again(world: World) -> None:
    async with world.pack():
        world.faults.block("complete")
        action = world.engine.enqueue(COMMAND)
        await world.clock.advance(2)
        world.engine.forget_pack()
        world.faults.lift("complete")
        assert await world.answer(action) == OUTCOME
