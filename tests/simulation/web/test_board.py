"""The board that pages copy."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from entrypoints.simulation.web.state_feed import KEPT_REMOVALS, Board, Changes

_KEYS = st.sampled_from(["a", "b", "c"])
_DEEDS = st.lists(st.tuples(_KEYS, st.none() | st.integers(0, 3), st.booleans()), max_size=40)


def updated(copy: dict[str, object], changes: Changes) -> dict[str, object]:
    """The copy as a page has it after these changes."""
    kept = {} if changes.is_whole else copy
    return {key: value for key, value in (kept | changes.cards).items() if value is not None}


@given(_DEEDS)
def test_a_copy_that_asks_now_and_then_is_always_like_the_board(deeds: list[tuple[str, int | None, bool]]) -> None:
    board, truth, copy, number = Board(), {}, {}, 0  # type: ignore[var-annotated]
    for key, value, is_asking in deeds:
        if value is None:
            board.remove(key)
            truth.pop(key, None)
        else:
            board.put(key, value)
            truth[key] = value
        if is_asking:
            changes = board.changes_after(number)
            copy, number = updated(copy, changes), changes.number
            assert copy == truth
            assert list(board.names("")) == list(dict.fromkeys(board.names("")))


def test_what_stays_the_same_is_no_change() -> None:
    board = Board()
    board.put("a", {"x": 1})
    board.put("a", {"x": 1})
    board.remove("b")

    assert board.number == 1
    assert board.changes_after(1).cards == {}


def test_a_copy_is_told_no_more_than_what_changed() -> None:
    board = Board()
    for key in ("a", "b", "c"):
        board.put(key, key)
    number = board.number
    board.put("a", "again")
    board.remove("b")

    changes = board.changes_after(number)

    assert changes.cards == {"a": "again", "b": None}
    assert not changes.is_whole


def test_a_copy_that_lags_behind_what_is_remembered_is_told_everything() -> None:
    board = Board()
    board.put("first", 1)
    number = board.number
    for count in range(KEPT_REMOVALS + 1):
        board.put(f"card {count}", 1)
        board.remove(f"card {count}")

    changes = board.changes_after(number)

    assert changes.is_whole
    assert changes.cards == {"first": 1}


def test_a_copy_of_another_board_is_told_everything() -> None:
    board = Board()
    board.put("a", 1)

    assert board.changes_after(99).is_whole


async def test_waiting_for_a_change_ends_with_it() -> None:
    board = Board()
    waiting = [asyncio.create_task(board.wait_for_change_after(0)) for _ in range(2)]
    board.put("a", 1)

    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)
        await board.wait_for_change_after(0)
