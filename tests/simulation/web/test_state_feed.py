"""The board that pages copy."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from entrypoints.simulation.web.state_feed import MAX_REMOVALS, Delta, StateFeed

_KEYS = st.sampled_from(["a", "b", "c"])
_DEEDS = st.lists(st.tuples(_KEYS, st.none() | st.integers(0, 3), st.booleans()), max_size=40)


def updated(copy: dict[str, object], changes: Delta) -> dict[str, object]:
    """The copy as a page has it after these changes."""
    kept = {} if changes.is_snapshot else copy
    return {key: value for key, value in (kept | changes.values).items() if value is not None}


@given(_DEEDS)
def test_a_copy_that_asks_now_and_then_is_always_like_the_board(deeds: list[tuple[str, int | None, bool]]) -> None:
    board, truth, copy, number = StateFeed(), {}, {}, 0  # type: ignore[var-annotated]
    for key, value, is_asking in deeds:
        if value is None:
            board.remove(key)
            truth.pop(key, None)
        else:
            board.publish(key, value)
            truth[key] = value
        if is_asking:
            changes = board.delta_since(number)
            copy, number = updated(copy, changes), changes.version
            assert copy == truth
            assert list(board.keys("")) == list(dict.fromkeys(board.keys("")))


def test_what_stays_the_same_is_no_change() -> None:
    board = StateFeed()
    board.publish("a", {"x": 1})
    board.publish("a", {"x": 1})
    board.remove("b")

    assert board.version == 1
    assert board.delta_since(1).values == {}


def test_a_copy_is_told_no_more_than_what_changed() -> None:
    board = StateFeed()
    for key in ("a", "b", "c"):
        board.publish(key, key)
    number = board.version
    board.publish("a", "again")
    board.remove("b")

    changes = board.delta_since(number)

    assert changes.values == {"a": "again", "b": None}
    assert not changes.is_snapshot


def test_a_copy_that_lags_behind_what_is_remembered_is_told_everything() -> None:
    board = StateFeed()
    board.publish("first", 1)
    number = board.version
    for count in range(MAX_REMOVALS + 1):
        board.publish(f"card {count}", 1)
        board.remove(f"card {count}")

    changes = board.delta_since(number)

    assert changes.is_snapshot
    assert changes.values == {"first": 1}


def test_a_copy_of_another_board_is_told_everything() -> None:
    board = StateFeed()
    board.publish("a", 1)

    assert board.delta_since(99).is_snapshot


async def test_waiting_for_a_change_ends_with_it() -> None:
    board = StateFeed()
    waiting = [asyncio.create_task(board.wait_for_change_since(0)) for _ in range(2)]
    board.publish("a", 1)

    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)
        await board.wait_for_change_since(0)
