"""Posts in doubt while the pack runs: sent to Slack without a response. The channel's history tells whether they exist.

Posts in doubt after a kill: test_posting_interrupted_by_kill.py.
"""

import pytest

from application.policies import WhenInDoubt
from domain.commands import Broadcast, SendMessage, SendRichMessage
from domain.errors import ChatError, ChatRejected, InDoubt, RateLimited, Unreachable
from domain.events import BroadcastFailed, BroadcastSent, MessageSent, SendMessageFailed, SendRichMessageFailed
from domain.messages import OutgoingMessage, RichMessage
from tests.support.environment import World, pack_settings

LOST = InDoubt("internal_error", "Slack answered with an error of its own")
UNREADABLE = ChatRejected("missing_scope", "add channels:history")
RESEND = pack_settings(when_in_doubt=WhenInDoubt.RESEND)


def hello(world: World, text: str = "hello") -> SendMessage:
    return SendMessage(OutgoingMessage(world.c1, text))


async def test_a_post_in_doubt_that_is_found_is_reported_as_sent(world: World) -> None:
    world.faults.fail_after("post", LOST, times=1)

    async with world.pack():
        outcome = await world.outcome(hello(world))

    assert isinstance(outcome, MessageSent)
    assert [post.timestamp for post in world.chat.posts] == [outcome.receipt.timestamp]
    assert not outcome.receipt.in_doubt


async def test_a_post_in_doubt_that_is_not_found_is_sent_again(world: World) -> None:
    world.faults.fail_before("post", LOST, times=1)

    async with world.pack():
        outcome = await world.outcome(hello(world), within=65)

    assert isinstance(outcome, MessageSent)
    assert not outcome.receipt.in_doubt
    assert world.texts == ["hello"]


async def test_the_search_is_repeated_with_growing_pauses_for_a_minute(world: World) -> None:
    world.faults.fail_before("post", LOST, times=1)

    async with world.pack():
        await world.outcome(hello(world), within=65)

    sent, sent_again = world.faults.called_at("post")
    looks = [at - sent for at in world.faults.called_at("find_posted")]
    assert looks == pytest.approx([0, 5, 15, 35, 60], abs=0.1)
    assert sent_again - sent == pytest.approx(60, abs=0.1)


async def test_the_search_has_pauses_although_the_history_never_lags(world: World) -> None:
    world.chat.history_lag_seconds = 0.0
    world.faults.fail_before("post", LOST, times=1)
    world.faults.fail_when("find_posted", lambda _: UNREADABLE if world.faults.count("find_posted") > 7 else None)

    async with world.pack():
        outcome = await world.outcome(hello(world), within=65)

    assert isinstance(outcome, MessageSent)
    (sent, _), looks = world.faults.called_at("post"), world.faults.called_at("find_posted")
    assert [at - sent for at in looks] == pytest.approx([0, 1, 3, 7, 15, 31, 60], abs=0.1)


@pytest.mark.parametrize("seconds", [3, 17, 20, 45, 58])
async def test_a_post_that_slack_performs_late_is_not_sent_again(world: World, seconds: float) -> None:
    world.faults.fail_before("post", LOST, times=1)

    async with world.pack():
        action = world.engine.enqueue(hello(world))
        await world.faults.until_called("post")
        await world.clock.advance(seconds)
        await world.chat.post(OutgoingMessage(world.c1, "hello"), key=world.faults.called_with("post")[-1][1])
        outcome = await world.answer(action, within=65)

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


@pytest.mark.parametrize("seconds", [3, 20, 55])
async def test_a_post_is_not_sent_again_while_the_history_lags(world: World, seconds: float) -> None:
    world.faults.fail_after("post", LOST, times=1)
    world.chat.unseen_seconds = seconds

    async with world.pack():
        outcome = await world.outcome(hello(world), within=65)

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


@pytest.mark.parametrize("seconds", [-86400, -3600, -90, 90, 3600, 86400])
async def test_a_post_in_doubt_is_found_though_the_clock_is_wrong(world: World, seconds: float) -> None:
    world.pack_clock.step(seconds)
    world.faults.fail_after("post", LOST, times=1)

    async with world.pack():
        outcome = await world.outcome(hello(world))

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


@pytest.mark.parametrize("seconds", [-3600, 120, 86400])
async def test_a_post_in_doubt_is_found_though_the_clock_is_set_meanwhile(world: World, seconds: float) -> None:
    world.faults.fail_after("post", LOST, times=1)
    world.faults.block("find_posted")

    async with world.pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
        world.pack_clock.step(seconds)
        world.faults.release("find_posted")
        outcome = await world.answer(action)

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


async def test_a_post_that_appears_late_in_the_history_is_not_sent_again(world: World) -> None:
    world.faults.fail_before("post", LOST, times=1)

    async with world.pack():
        action = world.engine.enqueue(hello(world))
        await world.clock.advance(2)
        assert world.faults.count("find_posted") == 1
        await world.chat.post(OutgoingMessage(world.c1, "hello"), key=world.faults.called_with("post")[-1][1])
        outcome = await world.answer(action, within=10)

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


async def test_later_posts_into_the_channel_wait_until_the_doubt_is_resolved(world: World) -> None:
    world.faults.fail_before("post", LOST, times=1)

    async with world.pack():
        first = world.engine.enqueue(hello(world, "first"))
        await world.clock.advance(1)
        second = world.engine.enqueue(hello(world, "second"))
        elsewhere = world.engine.enqueue(SendMessage(OutgoingMessage(world.c2, "elsewhere")))
        await world.clock.advance(1)
        assert world.texts == ["elsewhere"]
        for action in (first, second, elsewhere):
            await world.answer(action, within=65)

    assert world.texts == ["elsewhere", "first", "second"]


async def test_a_post_that_cannot_be_searched_for_fails_by_default(world: World) -> None:
    world.faults.fail_after("post", LOST, times=1)
    world.faults.fail_before("find_posted", UNREADABLE)

    async with world.pack():
        outcome = await world.outcome(hello(world))

    assert isinstance(outcome, SendMessageFailed)
    assert outcome.error.startswith("in_doubt: ")
    assert "add channels:history" in outcome.error
    assert world.texts == ["hello"]


async def test_a_post_that_cannot_be_searched_for_is_resent_if_so_configured(world: World) -> None:
    world.faults.fail_after("post", LOST, times=1)
    world.faults.fail_before("find_posted", UNREADABLE)

    async with world.pack(RESEND):
        outcome = await world.outcome(hello(world))

    assert isinstance(outcome, MessageSent)
    assert outcome.receipt.in_doubt
    assert outcome.receipt.timestamp == world.chat.posts[1].timestamp
    assert world.texts == ["hello", "hello"]


async def test_a_message_without_an_idempotency_key_is_not_searched_for(world: World) -> None:
    world.faults.fail_after("post", LOST, times=1)
    message = RichMessage({"channel": "C1", "text": "hi", "metadata": {"event_type": "mine"}})

    async with world.pack():
        outcome = await world.outcome(SendRichMessage(message))

    assert isinstance(outcome, SendRichMessageFailed)
    assert outcome.error.startswith("in_doubt: ")
    assert world.faults.count("find_posted") == 0


async def test_the_search_waits_out_rate_limits_and_outages(world: World) -> None:
    world.faults.fail_after("post", LOST, times=1)
    world.faults.fail_before("find_posted", RateLimited(60), times=1)
    world.faults.fail_before("find_posted", Unreachable("timeout", "no answer"), times=2)

    async with world.pack():
        outcome = await world.outcome(hello(world), within=70)

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


async def test_a_post_in_doubt_fails_when_slack_stays_unreachable(world: World) -> None:
    world.faults.fail_after("post", LOST, times=1)
    world.faults.fail_before("find_posted", Unreachable("timeout", "no answer"))

    async with world.pack(pack_settings(give_up_seconds=60)):
        outcome = await world.outcome(hello(world), within=70)

    assert isinstance(outcome, SendMessageFailed)
    assert outcome.error.startswith("in_doubt: ")


async def test_repeated_doubts_are_given_up_after_the_time_limit(world: World) -> None:
    world.faults.fail_before("post", LOST)

    async with world.pack(pack_settings(give_up_seconds=120)):
        outcome = await world.outcome(hello(world), within=140)

    assert isinstance(outcome, SendMessageFailed)
    assert outcome.error == str(LOST)  # the search has shown that there is no post
    assert world.faults.count("post") <= 30


async def test_a_long_rate_limit_before_a_doubt_does_not_count_towards_giving_up(world: World) -> None:
    world.faults.fail_before("post", RateLimited(150), times=1)
    world.faults.fail_before("post", LOST, times=1)

    async with world.pack(pack_settings(give_up_seconds=100)):
        outcome = await world.outcome(hello(world), within=230)

    assert isinstance(outcome, MessageSent)


async def test_the_last_attempt_is_searched_for_before_giving_up(world: World) -> None:
    world.faults.fail_before("post", LOST, times=2)
    world.faults.fail_after("post", LOST)

    async with world.pack(pack_settings(give_up_seconds=121)):
        outcome = await world.outcome(hello(world), within=140)

    assert isinstance(outcome, MessageSent)
    assert world.texts == ["hello"]


async def test_resending_in_doubt_does_not_flood_the_channel(world: World) -> None:
    world.faults.fail_after("post", LOST)
    world.faults.fail_before("find_posted", UNREADABLE)

    async with world.pack(pack_settings(when_in_doubt=WhenInDoubt.RESEND, give_up_seconds=300)):
        outcome = await world.outcome(hello(world), within=310)

    assert isinstance(outcome, SendMessageFailed)
    assert outcome.error.startswith("in_doubt: ")
    assert len(world.chat.posts) <= 20


@pytest.mark.parametrize("error", [ChatRejected("is_archived", "archived"), Unreachable("timeout", "no connection")])
async def test_a_post_that_fails_after_an_unresolved_doubt_is_in_doubt(world: World, error: ChatError) -> None:
    world.faults.fail_after("post", LOST, times=1)
    world.faults.fail_before("post", error)
    world.faults.fail_before("find_posted", UNREADABLE)

    async with world.pack(pack_settings(when_in_doubt=WhenInDoubt.RESEND, give_up_seconds=100)):
        outcome = await world.outcome(hello(world), within=310)

    assert world.texts == ["hello"]
    assert isinstance(outcome, SendMessageFailed)
    assert outcome.error.startswith("in_doubt: ")


async def test_a_broadcast_names_its_channel_in_doubt(world: World) -> None:
    world.faults.fail_after("post", LOST, times=1)
    world.faults.fail_before("find_posted", UNREADABLE)

    async with world.pack():
        outcome = await world.outcome(Broadcast("hear, hear"))

    assert isinstance(outcome, BroadcastFailed)
    assert outcome.channel_ids == (world.c2,)
    assert outcome.failures[0].error.startswith("in_doubt: ")
    assert outcome.error.endswith("(C1: in_doubt)")


async def test_a_broadcast_resent_in_doubt_says_so(world: World) -> None:
    world.faults.fail_after("post", LOST, times=1)
    world.faults.fail_before("find_posted", UNREADABLE)

    async with world.pack(RESEND):
        outcome = await world.outcome(Broadcast("hear, hear"))

    assert outcome == BroadcastSent("hear, hear", (world.c1, world.c2), in_doubt=True)
