"""The schedule of polls for actions."""

from bisect import bisect_left
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.services.poll_schedule import PollSchedule


class _ManualClock:
    """A clock that is set by the test."""

    seconds = 0.0

    def elapsed(self) -> float:
        return self.seconds


def _poll(polling: PollSchedule, clock: _ManualClock, until: float, wakes: list[float]) -> list[float]:
    """Returns the times of empty polls, made as the worker makes them, with events published at `wakes`."""
    wakes = sorted(wakes)
    takes = []
    while clock.seconds < until:
        polling.wake.clear()
        takes.append(clock.seconds)
        began = clock.seconds
        clock.seconds += polling.on_empty_poll()
        if any(began < wake <= clock.seconds for wake in wakes):
            polling.on_event_published()
        pause = polling.delay_after_empty()
        next_wake = next((wake for wake in wakes if wake > clock.seconds), None)
        if polling.wake.is_set():
            continue
        if next_wake is not None and next_wake <= clock.seconds + pause:
            clock.seconds = next_wake
            polling.on_event_published()
        else:
            clock.seconds += pause
    return takes


def _most_in_any_second(times: list[float]) -> int:
    return max(bisect_left(times, time + 1) - position for position, time in enumerate(times))


@given(st.lists(st.floats(0, 20), max_size=400), st.integers(0, 3))
def test_no_second_has_more_than_twenty_empty_polls(wakes: list[float], start: int) -> None:
    clock = _ManualClock()
    clock.seconds = float(start)
    takes = _poll(PollSchedule(clock.elapsed), clock, 22, wakes)

    assert _most_in_any_second(takes) <= 20


def test_a_constant_stream_of_events_does_not_raise_that_limit() -> None:
    clock = _ManualClock()
    takes = _poll(PollSchedule(clock.elapsed), clock, 10, [step / 1000 for step in range(12_000)])

    assert 10 < _most_in_any_second(takes) <= 20


@given(st.lists(st.floats(0, 5), max_size=50))
def test_five_seconds_after_the_last_event_there_is_at_most_one_poll_a_second(wakes: list[float]) -> None:
    clock = _ManualClock()
    takes = _poll(PollSchedule(clock.elapsed), clock, 40, [*wakes, 5.0])

    idle = [time for time in takes if time >= 10]
    assert all(later - earlier >= 1 for earlier, later in pairwise(idle))
    assert len(idle) >= 25  # idle, but still polling


def test_several_polls_follow_an_event_within_milliseconds() -> None:
    clock = _ManualClock()
    takes = _poll(PollSchedule(clock.elapsed), clock, 31, [30.0])

    assert len([time for time in takes if 30.0 <= time < 30.05]) >= 4


def test_polls_stay_fast_for_two_seconds_after_an_urgent_event() -> None:
    clock = _ManualClock()
    polling = PollSchedule(clock.elapsed)
    clock.seconds = 30.0
    polling.on_event_published(is_urgent=True)
    takes = []
    while clock.seconds < 40:
        takes.append(clock.seconds)
        clock.seconds += polling.on_empty_poll() + polling.delay_after_empty()

    assert max(later - earlier for earlier, later in pairwise(takes) if later < 32) < 0.1
    assert _most_in_any_second(takes) <= 20
    assert len([time for time in takes if time >= 34]) <= 6


def test_an_urgent_event_is_answered_at_once_however_many_came_before() -> None:
    clock = _ManualClock()
    polling = PollSchedule(clock.elapsed)
    waits = []
    for _ in range(100):
        polling.on_event_published(is_urgent=True)
        waits.append(polling.delay_before_poll())
        clock.seconds += waits[-1]
        polling.on_action_found()
        next_at = clock.seconds + 0.08
        clock.seconds += polling.delay_after_action()
        while clock.seconds < next_at:
            waits.append(polling.on_empty_poll())
            clock.seconds += max(waits[-1], polling.delay_after_empty())

    assert max(waits) == 0


@pytest.mark.parametrize("events_a_second", [1, 2, 3])
def test_a_fast_flow_is_served_within_milliseconds_however_many_came_before(
    events_a_second: int,
) -> None:
    clock = _ManualClock()
    events = [number / events_a_second for number in range(1, 30 * events_a_second)]
    takes = _poll(PollSchedule(clock.elapsed), clock, 30, events)

    assert all(any(event < time <= event + 0.01 for time in takes) for event in events)


@pytest.mark.parametrize("flow_seconds", [0.001, 0.005, 0.02])
def test_polls_soon_match_the_latency_of_the_flows(flow_seconds: float) -> None:
    clock = _ManualClock()
    polling = PollSchedule(clock.elapsed)
    empty, waits = 0, []
    for _ in range(100):
        polling.on_event_published()
        ready_at = clock.seconds + flow_seconds
        clock.seconds += polling.delay_before_poll()
        while clock.seconds < ready_at:
            empty += 1
            clock.seconds += max(polling.on_empty_poll(), polling.delay_after_empty())
        waits.append(clock.seconds - ready_at)
        polling.on_action_found()
        if not polling.delay_after_action():  # so one more poll follows, and it is empty
            empty += 1
            clock.seconds += polling.on_empty_poll()
            polling.delay_after_empty()
        clock.seconds += 0.01
    assert empty < 60
    assert sorted(waits)[90] < 0.02


def test_an_event_without_a_flow_does_not_change_the_expected_latency() -> None:
    clock = _ManualClock()
    polling = PollSchedule(clock.elapsed)
    polling.on_event_published()
    for _ in range(6):
        clock.seconds += max(polling.on_empty_poll(), polling.delay_after_empty())
    polling.on_event_published()
    assert polling.delay_before_poll() == 0


def test_polls_that_bring_actions_follow_without_a_pause() -> None:
    clock = _ManualClock()
    polling = PollSchedule(clock.elapsed)
    polling.on_event_published()
    polling.on_empty_poll()
    clock.seconds += 0.01
    polling.on_action_found()
    polling.on_event_published()
    assert polling.delay_before_poll() == 0


def test_polls_after_results_do_not_use_up_those_reserved_for_events() -> None:
    clock = _ManualClock()
    polling = PollSchedule(clock.elapsed)
    polling.on_event_published()
    takes = 0
    while not polling.delay_after_empty() > 0.1:
        polling.on_empty_poll()
        polling.on_result_reported()
        takes += 1

    assert takes < 12
