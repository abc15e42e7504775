"""Observers of a port see what happens, and change nothing, whatever they do."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from application.resilience.observation import Observer, observed
from tests.support.virtual_time import TestTime


class Port:
    name = "first"

    async def double(self, number: int) -> int:
        if number < 0:
            raise ValueError("negative")
        return 2 * number

    def plain(self) -> str:
        return self.name


class Notes:
    def __init__(self) -> None:
        self.calls: list[tuple[tuple[Any, ...], Any]] = []

    def on_return(self, arguments: tuple[Any, ...], result: Any, _seconds: float) -> None:
        self.calls.append((arguments, result))

    def on_error(self, arguments: tuple[Any, ...], error: Exception, _seconds: float) -> None:
        self.calls.append((arguments, repr(error)))


def fail(*_: object) -> None:
    raise KeyError("a bug of the observer")


async def test_an_observer_is_told_the_arguments_and_the_result_or_the_error() -> None:
    notes = Notes()
    observers = {"part.double": Observer(notes.on_return, notes.on_error)}
    port = observed(Port(), observers.get, TestTime().monotonic, "part.")

    assert await port.double(2) == 4
    with pytest.raises(ValueError, match="negative"):
        await port.double(-1)

    assert notes.calls == [((2,), 4), ((-1,), "ValueError('negative')")]


async def test_what_is_not_observed_is_the_ports_own() -> None:
    port = Port()
    watched = observed(port, lambda _name: None, TestTime().monotonic)

    assert await watched.double(1) == 2
    assert watched.plain() == "first"
    port.name = "second"
    assert (watched.name, watched.plain()) == ("second", "second")


async def test_a_bug_of_an_observer_is_logged_and_hurts_no_call() -> None:
    port = observed(Port(), lambda _name: Observer(fail, fail), TestTime().monotonic)

    with capture_logs() as logs:
        assert await port.double(2) == 4
        with pytest.raises(ValueError, match="negative"):
            await port.double(-1)

    assert [line["event"] for line in logs] == ["internal_error", "internal_error"]
