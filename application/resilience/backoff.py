"""Growing, jittered, bounded pauses between attempts."""

import random
from collections.abc import Iterator


def exponential_backoff(first_seconds: float, longest_seconds: float) -> Iterator[float]:
    """Seconds to wait before each further attempt, without end.

    Each is about twice the one before, up to `longest_seconds`; a quarter of it is left to chance, so that several
    packs that lost the same server do not come back in step.
    """
    pause = first_seconds
    while True:
        yield pause * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, keeps no secret
        pause = min(pause * 2, longest_seconds)
