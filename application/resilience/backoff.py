"""Exponential backoff with jitter."""

import random
from collections.abc import Iterator


def exponential_backoff(first_seconds: float, max_seconds: float) -> Iterator[float]:
    """Yields the seconds to wait before each further attempt, without end.

    Each is about twice the one before, up to `max_seconds`; up to a quarter is taken off at random, so that packs that
    lost the same server do not return in step.
    """
    pause = first_seconds
    while True:
        yield pause * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, protects no secret
        pause = min(pause * 2, max_seconds)
