"""Listeners, subscriptions and waits of a simulated server."""

import asyncio
from itertools import count

import pytest

from entrypoints.simulation.event_feed import EventFeed, Subscription


class NumberFeed(EventFeed[int]):
    def progress(self) -> str:
        return "numbers so far: none"


@pytest.fixture
def feed() -> NumberFeed:
    return NumberFeed()


def test_listeners_and_subscriptions_get_every_event_in_order(feed: NumberFeed) -> None:
    received: list[int] = []
    feed.listeners.append(received.append)
    subscription = feed.subscribe()

    feed.publish(1)
    feed.publish(2)

    assert received == subscription.drain() == [1, 2]
    assert subscription.drain() == []


async def test_a_subscription_can_be_iterated_until_the_feed_is_closed(feed: NumberFeed) -> None:
    subscription = feed.subscribe()

    async def collect() -> list[int]:
        return [event async for event in subscription]

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        collecting = tasks.create_task(collect())
        feed.publish(1)
        await asyncio.sleep(0)
        feed.publish(2)
        feed.close()

    assert collecting.result() == [1, 2]


def test_a_full_subscription_drops_the_oldest_events_and_counts_them() -> None:
    subscription: Subscription[int] = Subscription(limit=3)

    for number in range(5):
        subscription.publish(number)

    assert (subscription.drain(), subscription.dropped) == ([2, 3, 4], 2)


async def test_a_wait_returns_the_value_of_its_condition(feed: NumberFeed) -> None:
    numbers = [7]

    assert await feed.wait_for(lambda: numbers) == [7]


async def test_a_wait_ends_with_the_event_that_makes_its_condition_true(feed: NumberFeed) -> None:
    published: list[int] = []
    feed.listeners.append(published.append)

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(feed.wait_for(lambda: len(published) == 2))
        feed.publish(1)
        await asyncio.sleep(0)
        assert not waiting.done()
        feed.publish(2)


async def test_a_wait_times_out_and_tells_the_progress(feed: NumberFeed) -> None:
    with pytest.raises(TimeoutError, match=r"did not hold within 0\.01 s; numbers so far: none"):
        await feed.wait_for(lambda: False, timeout=0.01)


async def test_several_waits_are_independent(feed: NumberFeed) -> None:
    evaluations = count()
    is_true = False

    def condition() -> bool:
        next(evaluations)
        return is_true

    first, second = (asyncio.create_task(feed.wait_for(condition)) for _ in range(2))
    await asyncio.sleep(0)
    assert next(evaluations) == 2
    first.cancel()
    is_true = True
    feed.notify()

    assert await second
    assert first.cancelled()
