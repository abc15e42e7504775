"""Chance that is the same in each run: the pack's pauses are jittered by Python's own generator."""

import random
from collections.abc import Iterator
from contextlib import contextmanager


class SeededRandom:
    """A course of chance of its own, which goes on from one `same` to the next."""

    def __init__(self) -> None:
        self._state = random.Random(0).getstate()  # noqa: S311 - predictable is what it has to be

    @contextmanager
    def active(self) -> Iterator[None]:
        """Let Python's own generator follow this course; afterwards it goes on as if nothing had been."""
        before = random.getstate()
        random.setstate(self._state)
        try:
            yield
        finally:
            self._state = random.getstate()
            random.setstate(before)
