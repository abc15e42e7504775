"""The way of an action: taken, in the journal, carried out once, answered."""

import itertools

import pytest
from structlog.testing import capture_logs

from adapters.memory.storage import MemoryStorage
from application.ports.storage import ActionState
from domain.commands import ActionId, JoinChannel, SendMessage, UnknownCommand
from domain.errors import (
    NotTaken,
    RaceLost,
    RateLimited,
    StorageUnavailable,
    WorkflowInDoubt,
    WorkflowUnreachable,
)
from domain.events import Event, MessageSent
from domain.messages import Message
from tests.world import Settings, World

BROKEN = StorageUnavailable("disk full")
DOWN = WorkflowUnreachable("connection refused")


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1, world.c2)
    return world


def hello(world: World, text: str = "hello") -> SendMessage:
    return SendMessage(Message(world.c1, text))


async def states(world: World, *actions: ActionId) -> list[ActionState]:
    return [(await world.in_journal(action)).state for action in actions]


# Taking


async def test_an_action_is_in_the_journal_before_it_is_carried_out(world: World) -> None:
    world.faults.hold("post")

    async with world.pack():
        action = world.engine.offer(hello(world))
        await world.clock.advance(2)
        entry = await world.in_journal(action)
        world.faults.lift("post")

    assert entry.state is ActionState.EXECUTING
    assert entry.action.command == hello(world)


async def test_an_action_that_can_not_be_noted_is_not_carried_out(world: World) -> None:
    world.faults.before("journal.take_in", BROKEN)

    async with world.pack():
        action = world.engine.offer(hello(world))
        await world.clock.advance(60)
        assert not world.chat.posts

        world.faults.lift("journal.take_in")
        await world.answer(action, within=6)

    assert world.texts == ["hello"]


async def test_no_action_is_taken_while_the_storage_fails(world: World) -> None:
    world.faults.before("journal.take_in", BROKEN)

    async with world.pack():
        world.engine.offer(hello(world, "first"))
        await world.clock.advance(2)
        takes = world.faults.count("take")
        second = world.engine.offer(hello(world, "second"))
        await world.clock.advance(60)
        assert world.faults.count("take") <= takes + 1

        world.faults.lift("journal.take_in")
        await world.answer(second, within=10)

    assert world.texts == ["first", "second"]


async def test_a_lost_race_is_tried_again_soon(world: World) -> None:
    async with world.pack():
        await world.clock.advance(10)
        world.faults.before("take", RaceLost("another replica took it"), times=1)
        action = world.engine.offer(hello(world))
        await world.answer(action, within=1.5)

    assert world.texts == ["hello"]


@pytest.mark.parametrize("error", [NotTaken("500"), WorkflowInDoubt("no answer"), RaceLost("lost"), DOWN])
async def test_an_engine_that_fails_every_take_is_not_pestered(world: World, error: Exception) -> None:
    world.faults.before("take", error)

    async with world.pack():
        await world.clock.advance(60)
        before = world.faults.count("take")
        await world.clock.advance(60)

        assert 5 <= world.faults.count("take") - before <= 12


async def test_idle_the_engine_sees_at_most_one_request_a_second(world: World) -> None:
    async with world.pack():
        await world.outcome(hello(world))
        await world.clock.advance(5)
        began = world.clock.monotonic()
        await world.clock.advance(30)

    methods = ("take", "register", "publish", "complete", "is_answered", "were_published", "in_hand")
    times = sorted(time for method in methods for time in world.faults.called_at(method) if time > began)
    assert all(later - earlier >= 1 for earlier, later in itertools.pairwise(times))
    assert len(times) >= 25


async def test_an_action_that_follows_an_event_is_taken_within_milliseconds() -> None:
    def echo(event: Event) -> list[SendMessage]:
        said = getattr(event, "said", None)
        return [SendMessage(Message(said.channel_id, f"echo {said.text}"))] if said else []

    world = World(echo)
    await world.join(world.c1)

    async with world.pack():
        await world.clock.advance(60)
        world.chat.say("C1", "hi")
        began = world.clock.monotonic()
        await world.clock.advance(0.05)

    assert world.texts == ["echo hi"]
    assert world.faults.called_at("post")[0] - began < 0.01


async def test_a_storm_of_events_does_not_make_a_storm_of_empty_takes(world: World) -> None:
    async with world.pack():
        await world.clock.advance(10)
        before = world.faults.count("take")
        for _ in range(100):
            world.chat.say("C1", "hi")
            await world.clock.advance(0.05)

        assert world.faults.count("take") - before <= 5 * 20


async def test_actions_into_one_channel_are_carried_out_in_the_order_of_taking(world: World) -> None:
    texts = [str(number) for number in range(10)]

    async with world.pack():
        actions = [world.engine.offer(hello(world, text)) for text in texts]
        for action in actions:
            await world.answer(action)

    assert world.texts == texts


async def test_beyond_the_limit_of_the_journal_no_action_is_taken(world: World) -> None:
    world.faults.before("post", RateLimited(100), times=1)

    async with world.pack(Settings(journal_limit=3)):
        actions = [world.engine.offer(hello(world, str(number))) for number in range(5)]
        await world.clock.advance(60)
        assert (await world.storage.journal.depth()).waiting == 3

        for action in actions:
            await world.answer(action, within=60)

    assert world.texts == ["0", "1", "2", "3", "4"]


# Carried out once, whatever is given out again


async def test_an_action_that_is_given_out_again_is_answered_again_and_not_repeated(world: World) -> None:
    async with world.pack():
        action = world.engine.offer(hello(world))
        first = await world.answer(action)
        del world.engine.answers[action]
        world.engine._waiting.append(world.engine._given_out[action])
        second = await world.answer(action)

    assert first == second
    assert world.texts == ["hello"]


async def test_an_action_that_is_given_out_twice_at_once_is_carried_out_once(world: World) -> None:
    world.faults.hold("post")

    async with world.pack():
        action = world.engine.offer(hello(world))
        await world.clock.advance(1)
        world.engine._waiting.append(world.engine._given_out[action])
        await world.clock.advance(1)
        world.faults.lift("post")
        await world.answer(action)

    assert world.texts == ["hello"]
    assert world.faults.count("complete") == 1


async def test_an_action_that_a_crash_swallowed_before_the_journal_had_it_is_recovered(world: World) -> None:
    world.faults.hold("journal.take_in")
    async with world.killed_pack():
        action = world.engine.offer(hello(world))
        await world.clock.advance(2)
    world.faults.lift("journal.take_in")
    assert await world.storage.journal.load(action) is None

    with capture_logs() as logs:
        async with world.pack():
            assert isinstance(await world.answer(action, within=10), MessageSent)

    assert world.texts == ["hello"]
    assert [line["action"] for line in logs if line["event"] == "swallowed_action_recovered"] == [action]


async def test_an_action_whose_taking_got_no_answer_is_recovered_while_the_pack_runs(world: World) -> None:
    async with world.pack():
        await world.clock.advance(5)
        world.faults.after("take", WorkflowInDoubt("connection reset"), times=1)
        action = world.engine.offer(hello(world))
        outcome = await world.answer(action, within=10)

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


async def test_an_action_in_the_hands_of_another_replica_is_left_to_that_one(world: World) -> None:
    world.faults.hold("journal.conclude")
    async with world.killed_pack():
        action = world.engine.offer(hello(world))
        await world.clock.advance(2)
    world.faults.lift("journal.conclude")
    others = world.storage

    world.storage = MemoryStorage()
    async with world.pack():
        await world.clock.advance(10)
        assert action not in world.engine.answers

    world.storage = others
    async with world.pack():
        assert isinstance(await world.answer(action, within=10), MessageSent)
    assert world.texts == ["hello"]


async def test_a_swallowed_action_that_another_replica_carried_out_meanwhile_is_not_carried_out_again(
    world: World,
) -> None:
    world.faults.hold("journal.conclude")
    async with world.killed_pack():
        action = world.engine.offer(hello(world))
        await world.clock.advance(2)
    world.faults.lift("journal.conclude")

    world.storage = MemoryStorage()
    await world.storage.journal.begin_taking(world.clock.now())  # a replica that was killed as well
    async with world.pack():
        assert isinstance(await world.answer(action, within=10), MessageSent)
    assert world.texts == ["hello"]


async def test_a_recovered_action_that_was_killed_after_its_post_is_not_posted_again(world: World) -> None:
    world.faults.after("take", WorkflowInDoubt("connection reset"), times=1)
    world.faults.hold("journal.conclude")
    async with world.killed_pack():
        action = world.engine.offer(hello(world))
        await world.clock.advance(20)
        assert world.texts == ["hello"]
    world.faults.lift("journal.conclude")

    async with world.pack():
        assert isinstance(await world.answer(action), MessageSent)

    assert world.texts == ["hello"]


async def test_a_doubt_about_a_take_outlives_stops_until_it_is_settled(world: World) -> None:
    world.faults.after("take", WorkflowInDoubt("connection reset"), times=1)
    world.faults.before("in_hand", DOWN)
    action = world.engine.offer(hello(world))
    for _ in range(2):
        async with world.pack():
            await world.clock.advance(1)
    world.faults.lift("in_hand")

    async with world.pack():
        assert isinstance(await world.answer(action, within=20), MessageSent)

    assert world.texts == ["hello"]


async def test_the_engine_is_asked_what_is_in_hand_only_after_a_kill(world: World) -> None:
    async with world.pack():
        for _ in range(5):
            await world.outcome(hello(world))
    async with world.killed_pack():
        await world.clock.advance(60)
    assert world.faults.count("in_hand") == 0

    async with world.pack():
        await world.clock.advance(60)
    assert world.faults.count("in_hand") == 1

    async with world.pack():
        await world.clock.advance(60)
    assert world.faults.count("in_hand") == 1


async def test_an_engine_that_can_not_tell_what_is_in_hand_is_no_obstacle(world: World) -> None:
    world.faults.before("in_hand", NotTaken("500"))

    async with world.pack():
        assert isinstance(await world.outcome(hello(world)), MessageSent)


# Resuming


async def test_an_action_taken_and_not_begun_is_carried_out_after_a_kill(world: World) -> None:
    world.faults.before("post", RateLimited(300), times=1)
    async with world.killed_pack():
        world.engine.offer(hello(world, "throttled"))
        await world.clock.advance(1)
        action = world.engine.offer(hello(world, "behind it"))
        await world.clock.advance(2)
    assert await states(world, action) == [ActionState.TAKEN]

    async with world.pack():
        await world.answer(action, within=320)

    assert world.texts == ["throttled", "behind it"]
    assert world.faults.count("take") >= 2


async def test_a_join_that_was_killed_is_repeated(world: World) -> None:
    c3 = world.chat.add_channel("C3")
    world.faults.hold("channels.join")
    async with world.killed_pack():
        action = world.engine.offer(JoinChannel(c3))
        await world.clock.advance(2)
    world.faults.lift("channels.join")

    async with world.pack():
        await world.answer(action)

    assert c3 in await world.storage.channels.joined()


async def test_an_outcome_that_was_not_answered_is_answered_after_a_kill_as_it_was(world: World) -> None:
    world.faults.hold("complete")
    async with world.killed_pack():
        action = world.engine.offer(hello(world))
        await world.clock.advance(2)
        concluded = await world.in_journal(action)
    world.faults.lift("complete")
    assert concluded.state is ActionState.CONCLUDED
    await world.clock.advance(1000)

    async with world.pack():
        await world.answer(action)

    assert world.engine.answers[action] == (concluded.outcome, concluded.concluded_at)
    assert world.texts == ["hello"]
    assert await states(world, action) == [ActionState.FINISHED]


async def test_what_the_journal_holds_is_worked_off_before_anything_is_taken(world: World) -> None:
    world.faults.hold("post")
    async with world.killed_pack():
        for number in range(3):
            world.engine.offer(hello(world, f"old {number}"))
            await world.clock.advance(1)
    world.faults.lift("post")
    new = world.engine.offer(hello(world, "new"))

    async with world.pack():
        await world.answer(new, within=20)

    assert world.texts == ["old 0", "old 1", "old 2", "new"]


async def test_more_actions_than_are_adopted_at_once_are_all_resumed(world: World) -> None:
    world.faults.hold("complete")
    async with world.killed_pack():
        actions = [world.engine.offer(UnknownCommand("SendFax")) for _ in range(150)]
        await world.clock.advance(10)
    world.faults.lift("complete")

    async with world.pack():
        await world.clock.advance(3)

    assert set(world.engine.answers) == set(actions)


# Storage failing in the middle


@pytest.mark.parametrize(
    "method", ["journal.take_in", "paces.reserve", "journal.begin", "journal.conclude", "journal.finish"]
)
async def test_a_storage_that_fails_for_a_while_costs_no_action_and_doubles_none(world: World, method: str) -> None:
    async with world.pack():
        world.faults.before(method, BROKEN)
        action = world.engine.offer(hello(world))
        await world.clock.advance(30)
        assert not world.health_of("storage")
        world.faults.lift(method)
        await world.clock.advance(10)
        assert world.health_of("storage")

    assert action in world.engine.answers
    assert world.texts == ["hello"]
    assert world.faults.count("complete") == 1
    assert await states(world, action) == [ActionState.FINISHED]


# The end of the pack


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("post", RateLimited(300)),
        ("journal.take_in", BROKEN),
        ("paces.reserve", BROKEN),
        ("journal.begin", BROKEN),
        ("journal.conclude", BROKEN),
        ("journal.finish", BROKEN),
        ("complete", DOWN),
        ("complete", NotTaken("500")),
    ],
)
async def test_a_stop_in_the_middle_of_a_wait_keeps_the_action_for_the_next_start(
    world: World, method: str, error: Exception
) -> None:
    world.faults.before(method, error)
    async with world.pack():
        action = world.engine.offer(hello(world))
        await world.clock.advance(3)
    world.faults.lift(method)

    async with world.pack():
        outcome = await world.answer(action, within=320)

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


async def test_a_post_under_way_is_finished_and_noted_before_the_pack_ends(world: World) -> None:
    world.faults.hold("post")

    async with world.pack() as process:
        action = world.engine.offer(hello(world))
        await world.clock.advance(2)
        process.stop.request()
        await world.clock.advance(0)
        world.faults.lift("post")

    entry = await world.in_journal(action)
    assert entry.state is ActionState.FINISHED
    assert isinstance(entry.outcome, MessageSent)


async def test_a_take_under_way_is_not_broken_off_and_its_action_kept(world: World) -> None:
    async with world.pack() as process:
        await world.clock.advance(2)
        world.faults.hold("take")
        await world.clock.advance(2)
        action = world.engine.offer(hello(world))
        process.stop.request()
        await world.clock.advance(0)
        world.faults.lift("take")

    assert await states(world, action) == [ActionState.TAKEN]
    assert not world.chat.posts


async def test_no_action_is_begun_once_the_end_was_asked_for(world: World) -> None:
    world.faults.hold("post")

    async with world.pack() as process:
        actions = [world.engine.offer(hello(world, str(number))) for number in range(5)]
        await world.clock.advance(2)
        process.stop.request()
        await world.clock.advance(0)
        world.faults.lift("post")

    assert world.texts == ["0"]
    assert await states(world, *actions[1:]) == [ActionState.TAKEN] * 4
