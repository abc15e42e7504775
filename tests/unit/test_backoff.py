"""Exponential backoff."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from application.resilience.backoff import exponential_backoff


@given(st.floats(0.01, 10), st.floats(10, 100))
def test_pauses_double_up_to_the_maximum_with_a_quarter_of_jitter(first: float, longest: float) -> None:
    expected = first
    for pause in islice(exponential_backoff(first, longest), 20):
        assert 0.75 * expected <= pause <= expected
        expected = min(expected * 2, longest)


def test_two_clients_of_the_same_server_do_not_retry_in_step() -> None:
    assert list(islice(exponential_backoff(1, 60), 8)) != list(islice(exponential_backoff(1, 60), 8))


def test_pauses_have_no_end_and_do_not_overflow() -> None:
    assert all(pause <= 30 for pause in islice(exponential_backoff(0.25, 30), 5_000))
