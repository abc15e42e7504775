"""Deterministic randomness: the pack's delays are jittered by Python's global generator."""

import random
from collections.abc import Iterator
from contextlib import contextmanager


class SeededRandom:
    """A random sequence that continues from one `active` block to the next."""

    def __init__(self) -> None:
        self._state = random.Random(0).getstate()  # noqa: S311 - it has to be predictable

    @contextmanager
    def active(self) -> Iterator[None]:
        """Makes Python's global generator follow this sequence, and restores its state afterwards."""
        before = random.getstate()
        random.setstate(self._state)
        try:
            yield
        finally:
            self._state = random.getstate()
            random.setstate(before)
