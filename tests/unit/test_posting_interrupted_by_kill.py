"""Posts in doubt after a kill: the journal has their beginning but no result.

Posts in doubt while the pack runs: test_posting_in_doubt.py.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from application.policies import WhenInDoubt
from domain.actions import ActionId
from domain.commands import Broadcast, SendMessage
from domain.errors import ChatError, ChatRejected, RateLimited, Unreachable
from domain.events import BroadcastSent, MessageSent, SendMessageFailed
from domain.messages import OutgoingMessage
from entrypoints.testing.storage_values import HELD
from tests.support.environment import World, pack_settings

UNREADABLE = ChatRejected("missing_scope", "add channels:history")
RESEND = pack_settings(when_in_doubt=WhenInDoubt.RESEND)


def hello(world: World, text: str = "hello") -> SendMessage:
    return SendMessage(OutgoingMessage(world.c1, text))


async def kill_between_post_and_result(world: World) -> None:
    """Kills the pack after the post, when the journal only has its beginning."""
    world.faults.block("journal.set_outcome")
    async with world.killed_pack():
        world.engine.enqueue(hello(world))
        await world.clock.advance(2)
        assert world.texts == ["hello"]
    world.faults.lift("journal.set_outcome")


async def kill_before_post(world: World) -> None:
    """Kills the pack before the post, when the journal has its beginning."""
    world.faults.block("post")
    async with world.killed_pack():
        world.engine.enqueue(hello(world))
        await world.clock.advance(2)
    world.faults.lift("post")
    assert not world.texts


def only_outcome(world: World) -> object:
    ((outcome, _),) = world.engine.outcomes.values()
    return outcome


async def test_a_post_performed_before_a_kill_is_found_and_not_repeated(world: World) -> None:
    await kill_between_post_and_result(world)
    await world.clock.advance(300)

    async with world.pack():
        await world.clock.advance(10)

    outcome = only_outcome(world)
    assert isinstance(outcome, MessageSent)
    assert outcome.receipt.timestamp == world.chat.posts[0].timestamp
    assert world.texts == ["hello"]


async def test_a_post_not_performed_before_a_kill_is_sent_once(world: World) -> None:
    await kill_before_post(world)

    async with world.pack():
        await world.clock.advance(65)

    outcome = only_outcome(world)
    assert isinstance(outcome, MessageSent)
    assert not outcome.receipt.in_doubt
    assert world.texts == ["hello"]
    assert world.faults.called_at("post")[1] - world.faults.called_at("post")[0] == pytest.approx(60, abs=2)


async def test_a_post_that_began_more_than_a_minute_ago_is_searched_for_once_and_without_waiting(world: World) -> None:
    await kill_before_post(world)
    await world.clock.advance(60)

    async with world.pack():
        await world.clock.advance(3)

    assert isinstance(only_outcome(world), MessageSent)
    assert world.faults.count("find_posted") == 1


async def test_a_post_that_slack_performs_after_the_restart_is_not_repeated(world: World) -> None:
    await kill_before_post(world)

    async with world.pack():
        await world.clock.advance(20)
        await world.chat.post(OutgoingMessage(world.c1, "hello"), key=world.faults.called_with("post")[-1][1])
        await world.clock.advance(45)

    assert isinstance(only_outcome(world), MessageSent)
    assert world.texts == ["hello"]


@pytest.mark.parametrize("error", [RateLimited(300), Unreachable("unreachable", "no connection")])
async def test_a_post_whose_request_had_no_effect_is_not_in_doubt_after_a_kill(world: World, error: ChatError) -> None:
    world.faults.fail_before("post", error, times=1)
    async with world.killed_pack():
        world.engine.enqueue(hello(world))
        await world.faults.until_called("post")
        await world.clock.settle()

    async with world.pack():
        await world.clock.advance(305)

    assert isinstance(only_outcome(world), MessageSent)
    assert world.faults.count("find_posted") == 0


@pytest.mark.parametrize("after", [0, -3600, 90, 86400])
@pytest.mark.parametrize("before", [0, -86400, -90, 90, 3600, 86400])
async def test_a_post_is_found_after_a_kill_whatever_the_clock_showed_before_and_after(
    world: World, before: float, after: float
) -> None:
    world.pack_clock.step(before)
    await kill_between_post_and_result(world)
    world.pack_clock.step(after - before)
    await world.clock.advance(5)

    async with world.pack(pack_settings(give_up_seconds=7 * 86400)):
        await world.clock.advance(10)

    assert isinstance(only_outcome(world), MessageSent)
    assert world.texts == ["hello"]


@pytest.mark.parametrize(("ahead", "is_set_right"), [(90, False), (-90, False), (3600, False), (7200, True)])
async def test_a_post_whose_time_an_earlier_version_noted_by_a_wrong_clock_is_found(
    world: World, ahead: float, *, is_set_right: bool
) -> None:
    world.pack_clock.step(ahead)
    await kill_between_post_and_result(world)
    entry = await world.in_journal(ActionId("action-1"))
    (name, step) = next(iter(entry.steps.items()))
    assert step.begun_at is not None
    async with world.storage.open():
        await world.storage.journal.undo_begin_step(entry.action.id, name, HELD)
        by_our_clock = step.begun_at + timedelta(seconds=ahead)
        await world.storage.journal.begin_step(entry.action.id, name, HELD, at=by_our_clock)
    if is_set_right:
        world.pack_clock.step(-ahead)
    await world.clock.advance(300)

    async with world.pack():
        await world.clock.advance(10)

    assert isinstance(only_outcome(world), MessageSent)
    assert world.texts == ["hello"]


async def test_the_search_begins_ten_minutes_before_the_attempt(world: World) -> None:
    began = world.clock.now()
    await kill_between_post_and_result(world)
    await world.clock.advance(300)

    async with world.pack():
        await world.clock.advance(10)

    since = world.faults.called_with("find_posted")[-1][2]
    assert timedelta(seconds=-600) <= since - began <= timedelta(seconds=-595)


@pytest.mark.parametrize("kill", [kill_between_post_and_result, kill_before_post])
async def test_a_post_that_cannot_be_searched_for_after_a_kill_fails_by_default(
    world: World, kill: Callable[[World], Awaitable[None]]
) -> None:
    await kill(world)
    before = world.texts
    world.faults.fail_before("find_posted", UNREADABLE)

    async with world.pack():
        await world.clock.advance(10)

    outcome = only_outcome(world)
    assert isinstance(outcome, SendMessageFailed)
    assert outcome.error.startswith("in_doubt: ")
    assert world.texts == before


async def test_a_post_that_cannot_be_searched_for_after_a_kill_is_resent_if_so_configured(world: World) -> None:
    await kill_between_post_and_result(world)
    world.faults.fail_before("find_posted", UNREADABLE)

    async with world.pack(RESEND):
        await world.clock.advance(10)

    outcome = only_outcome(world)
    assert isinstance(outcome, MessageSent)
    assert outcome.receipt.in_doubt
    assert world.texts == ["hello", "hello"]


async def test_new_posts_into_the_channel_wait_until_the_old_one_is_resolved(world: World) -> None:
    await kill_before_post(world)

    async with world.pack():
        later = world.engine.enqueue(hello(world, "later"))
        await world.answer(later, within=65)

    assert world.texts == ["hello", "later"]


async def test_a_killed_broadcast_continues_where_it_stopped(world: World) -> None:
    c3 = world.chat.add_channel("C3", has_bot=True)
    await world.join(c3)
    world.faults.fail_before("post", RateLimited(600), times=1)  # no post into C1
    async with world.killed_pack():
        world.engine.enqueue(Broadcast("hear, hear"))
        await world.clock.advance(2)
    assert [post.message.channel_id for post in world.chat.posts] == [world.c2, c3]

    async with world.pack():
        world.chat.invite("C1")
        await world.clock.advance(620)

    assert only_outcome(world) == BroadcastSent("hear, hear", (world.c1, world.c2, c3))
    assert [post.message.channel_id for post in world.chat.posts] == [world.c2, c3, world.c1]


async def test_a_killed_broadcast_does_not_go_to_channels_joined_since(world: World) -> None:
    world.faults.block("post")
    async with world.killed_pack():
        world.engine.enqueue(Broadcast("hear, hear"))
        await world.clock.advance(2)
    world.faults.lift("post")
    await world.join(world.chat.add_channel("C3"))

    async with world.pack():
        await world.clock.advance(65)

    assert only_outcome(world) == BroadcastSent("hear, hear", (world.c1, world.c2))
    assert len(world.chat.posts) == 2
