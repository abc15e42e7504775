"""FLYTE_SLACK_GIVE_UP: how long the pack goes on trying to post while Slack is away."""

import pytest

from domain.actions import ActionId
from domain.commands import Broadcast, SendMessage
from domain.errors import InDoubt, RateLimited, Unreachable
from domain.events import BroadcastFailed, MessageSent, SendMessageFailed
from domain.messages import OutgoingMessage
from tests.support.environment import World, pack_settings

AWAY = Unreachable("unreachable", "no connection")
FIVE_SECONDS = pack_settings(give_up_seconds=5)


def hello(world: World, text: str = "hello") -> SendMessage:
    return SendMessage(OutgoingMessage(world.c1, text))


async def time_until_answered(world: World, action: ActionId, within: float) -> float:
    """Returns the seconds until the pack has ended the action."""
    began = world.clock.elapsed
    while action not in world.engine.outcomes and world.clock.elapsed < began + within:
        await world.clock.advance(0.1)
    return world.clock.elapsed - began


async def test_posts_that_wait_behind_one_another_are_all_given_up_in_time(world: World) -> None:
    world.faults.fail_before("post", AWAY)

    async with world.pack(FIVE_SECONDS):
        actions = [world.engine.enqueue(hello(world, str(number))) for number in range(10)]
        await world.clock.advance(4.9)
        assert not world.engine.outcomes
        await world.clock.advance(2)

        assert [type(world.engine.outcomes[action][0]) for action in actions] == [SendMessageFailed] * 10


async def test_each_post_is_given_up_after_its_own_time(world: World) -> None:
    world.faults.fail_before("post", AWAY)

    async with world.pack(FIVE_SECONDS):
        first = world.engine.enqueue(hello(world, "first"))
        await world.clock.advance(3)
        second = world.engine.enqueue(hello(world, "second"))
        assert 2 <= await time_until_answered(world, first, 5) <= 3
        assert 2 <= await time_until_answered(world, second, 5) <= 4


async def test_a_post_behind_one_that_has_more_time_is_given_up_in_its_own(world: World) -> None:
    world.faults.fail_before("post", InDoubt("timeout", "no answer"), times=1)

    async with world.pack(FIVE_SECONDS):
        world.engine.enqueue(hello(world, "in doubt for a minute"))
        await world.clock.advance(1)
        second = world.engine.enqueue(hello(world, "second"))
        assert 4.5 <= await time_until_answered(world, second, 10) <= 6

    assert not world.texts


async def test_overdue_posts_are_not_sent_when_slack_returns(world: World) -> None:
    world.faults.fail_before("post", AWAY)

    async with world.pack(FIVE_SECONDS):
        actions = [world.engine.enqueue(hello(world, str(number))) for number in range(10)]
        await world.clock.advance(5.5)
        world.faults.lift("post")
        late = world.engine.enqueue(hello(world, "in time"))
        assert isinstance(await world.answer(late), MessageSent)

        assert all(isinstance(world.engine.outcomes[action][0], SendMessageFailed) for action in actions)
    assert world.texts == ["in time"]


async def test_downtime_of_the_pack_counts(world: World) -> None:
    world.faults.fail_before("post", AWAY)
    async with world.killed_pack(FIVE_SECONDS):
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
    world.faults.lift("post")
    await world.clock.advance(10)

    async with world.pack(FIVE_SECONDS):
        outcome = await world.answer(action)

    assert isinstance(outcome, SendMessageFailed)
    assert outcome.error.startswith("unreachable: ")
    assert not world.texts


async def test_a_post_in_doubt_is_looked_for_before_it_is_given_up(world: World) -> None:
    world.faults.block("journal.set_outcome")
    async with world.killed_pack(FIVE_SECONDS):
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
    world.faults.lift("journal.set_outcome")
    await world.clock.advance(600)

    async with world.pack(FIVE_SECONDS):
        assert isinstance(await world.answer(action), MessageSent)

    assert world.texts == ["hello"]


async def test_a_post_in_doubt_that_does_not_exist_is_not_sent_late(world: World) -> None:
    world.faults.fail_before("post", InDoubt("timeout", "no answer"), times=1)

    async with world.pack(FIVE_SECONDS):
        outcome = await world.outcome(hello(world), within=65)

    assert isinstance(outcome, SendMessageFailed)
    assert outcome.error == "timeout: no answer"
    assert not world.texts


async def test_the_time_spent_waiting_for_the_pace_does_not_count(world: World) -> None:
    async with world.pack(pack_settings(give_up_seconds=5, message_burst=1)):
        actions = [world.engine.enqueue(hello(world, str(number))) for number in range(20)]
        assert isinstance(await world.answer(actions[-1], within=22), MessageSent)

    assert len(world.texts) == 20


async def test_a_pause_that_slack_asks_for_does_not_count_for_any_post_of_the_channel(world: World) -> None:
    world.faults.fail_before("post", RateLimited(300), times=1)

    async with world.pack(FIVE_SECONDS):
        actions = [world.engine.enqueue(hello(world, str(number))) for number in range(5)]
        await world.clock.advance(150)
        actions.append(world.engine.enqueue(hello(world, "later")))
        outcomes = [await world.answer(action, within=170) for action in actions]

    assert [type(outcome) for outcome in outcomes] == [MessageSent] * 6


async def test_a_pause_does_not_count_though_the_pack_is_killed_in_it(world: World) -> None:
    world.faults.fail_before("post", RateLimited(300), times=1)
    async with world.killed_pack(pack_settings(give_up_seconds=20)):
        actions = [world.engine.enqueue(hello(world, str(number))) for number in range(3)]
        await world.clock.advance(200)
    await world.clock.advance(5)

    async with world.pack(pack_settings(give_up_seconds=20)):
        outcomes = [await world.answer(action, within=120) for action in actions]

    assert [type(outcome) for outcome in outcomes] == [MessageSent] * 3


async def test_the_pace_does_not_count_though_the_pack_is_killed_meanwhile(world: World) -> None:
    slow = pack_settings(give_up_seconds=20, message_burst=1)
    async with world.killed_pack(slow):
        actions = [world.engine.enqueue(hello(world, str(number))) for number in range(100)]
        await world.clock.advance(60)

    async with world.pack(slow):
        outcomes = [await world.answer(action, within=120) for action in actions]

    assert [type(outcome) for outcome in outcomes] == [MessageSent] * 100
    assert len(world.texts) == 100


async def test_an_outage_counts_though_the_pack_is_killed_in_it(world: World) -> None:
    world.faults.fail_before("post", AWAY)
    twenty_seconds = pack_settings(give_up_seconds=20)
    async with world.killed_pack(twenty_seconds):
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(15)

    async with world.pack(twenty_seconds):
        assert 3 <= await time_until_answered(world, action, 20) <= 7


async def test_an_outage_after_a_pause_has_the_whole_time_of_the_post(world: World) -> None:
    world.faults.fail_before("post", RateLimited(300), times=1)
    world.faults.fail_before("post", AWAY)

    async with world.pack(FIVE_SECONDS):
        action = world.engine.enqueue(hello(world))
        assert 304 <= await time_until_answered(world, action, 310) <= 307


@pytest.mark.parametrize("seconds", [-3600, 120, 86400])
async def test_setting_the_clock_neither_shortens_nor_prolongs_the_time(world: World, seconds: float) -> None:
    world.faults.fail_before("post", AWAY)

    async with world.pack(FIVE_SECONDS):
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
        world.pack_clock.step(seconds)
        assert 2 <= await time_until_answered(world, action, 10) <= 4


@pytest.mark.parametrize("seconds", [-86_400, -3600, 120, 3600])
async def test_setting_the_clock_between_two_runs_neither_shortens_nor_prolongs_the_time(
    world: World, seconds: float
) -> None:
    world.faults.fail_before("post", AWAY)
    async with world.killed_pack(FIVE_SECONDS):
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
    world.pack_clock.step(seconds)

    async with world.pack(FIVE_SECONDS):
        assert 2 <= await time_until_answered(world, action, 10) <= 4


async def test_a_clock_that_is_a_day_ahead_after_a_restart_shortens_no_time(world: World) -> None:
    world.faults.fail_before("post", AWAY)
    async with world.killed_pack(FIVE_SECONDS):
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
    world.pack_clock.step(86_400)
    world.faults.lift("post")

    async with world.pack(FIVE_SECONDS):
        assert isinstance(await world.answer(action), MessageSent)


async def test_a_clock_that_was_an_hour_behind_before_a_restart_shortens_no_time(world: World) -> None:
    world.pack_clock.step(-3600)
    world.faults.fail_before("post", AWAY)
    async with world.killed_pack(FIVE_SECONDS):
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
    world.pack_clock.step(3600)
    world.faults.lift("post")

    async with world.pack(FIVE_SECONDS):
        assert isinstance(await world.answer(action), MessageSent)


async def test_a_broadcast_is_given_up_in_time_in_every_channel(world: World) -> None:
    world.faults.fail_before("post", AWAY)

    async with world.pack(FIVE_SECONDS):
        action = world.engine.enqueue(Broadcast("hear, hear"))
        second = world.engine.enqueue(Broadcast("once more"))
        await world.clock.advance(7)
        outcomes = [world.engine.outcomes[one][0] for one in (action, second)]

    assert [isinstance(one, BroadcastFailed) and len(one.failures) for one in outcomes] == [2, 2]
