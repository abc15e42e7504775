"""The state feed that pages replicate."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from entrypoints.simulation.web.state_feed import MAX_REMOVALS, Delta, StateFeed

_KEYS = st.sampled_from(["a", "b", "c"])
_OPERATIONS = st.lists(st.tuples(_KEYS, st.none() | st.integers(0, 3), st.booleans()), max_size=40)


def applied(copy: dict[str, object], delta: Delta) -> dict[str, object]:
    """Returns a page's copy of the state after a delta."""
    base = {} if delta.is_snapshot else copy
    return {key: value for key, value in (base | delta.values).items() if value is not None}


@given(_OPERATIONS)
def test_a_copy_equals_the_state_after_any_number_of_changes(operations: list[tuple[str, int | None, bool]]) -> None:
    feed = StateFeed()
    state: dict[str, object] = {}
    copy: dict[str, object] = {}
    version = 0
    for key, value, is_reading in operations:
        if value is None:
            feed.remove(key)
            state.pop(key, None)
        else:
            feed.publish(key, value)
            state[key] = value
        if is_reading:
            delta = feed.delta_since(version)
            copy, version = applied(copy, delta), delta.version
            assert copy == state
            assert sorted(feed.keys("")) == sorted(state)


def test_publishing_an_equal_value_is_not_a_change() -> None:
    feed = StateFeed()
    feed.publish("a", {"x": 1})
    feed.publish("a", {"x": 1})
    feed.remove("b")

    assert feed.version == 1
    assert feed.delta_since(1).values == {}


def test_a_delta_has_only_what_changed() -> None:
    feed = StateFeed()
    for key in ("a", "b", "c"):
        feed.publish(key, key)
    version = feed.version
    feed.publish("a", "again")
    feed.remove("b")

    delta = feed.delta_since(version)

    assert delta.values == {"a": "again", "b": None}
    assert not delta.is_snapshot


def test_a_copy_older_than_the_remembered_removals_gets_a_snapshot() -> None:
    feed = StateFeed()
    feed.publish("first", 1)
    version = feed.version
    for number in range(MAX_REMOVALS + 1):
        feed.publish(f"key {number}", 1)
        feed.remove(f"key {number}")

    delta = feed.delta_since(version)

    assert delta.is_snapshot
    assert delta.values == {"first": 1}


def test_a_copy_of_another_feed_gets_a_snapshot() -> None:
    feed = StateFeed()
    feed.publish("a", 1)

    assert feed.delta_since(99).is_snapshot


async def test_every_waiter_is_woken_by_a_change() -> None:
    feed = StateFeed()
    waiters = [asyncio.create_task(feed.wait_for_change_since(0)) for _ in range(2)]
    feed.publish("a", 1)

    async with asyncio.timeout(5):
        await asyncio.gather(*waiters)
        await feed.wait_for_change_since(0)
    assert feed.version == 1
