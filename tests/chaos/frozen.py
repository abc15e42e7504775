"""Posts of packs that were frozen between their last look at the storage and the request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

POSTING: Final = "chaos_posting"
"""The event of the log line that a pack of the chaos test writes just before each post."""
FROZEN: Final = "chaos_frozen"
"""That of the line before it freezes itself there."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A pack did nothing between these times, in seconds of the machine's monotonic clock."""

    run: int
    began_at: float
    ended_at: float


def frozen_posts(
    log: Iterable[Mapping[str, Any]], freezes: Iterable[Freeze], arrivals: Mapping[tuple[str, str], float]
) -> set[tuple[str, str]]:
    """Returns marker and channel of each post that was frozen between the look before it and its arrival at Slack.

    `arrivals` are the latest of each post, by Slack's monotonic clock.
    """
    frozen = set()
    for line in log:
        if line["event"] == POSTING:
            post = line["marker"], line["channel"]
            if any(
                one.run == line["run"] and line["looked_at"] <= one.began_at and one.ended_at <= arrivals.get(post, 0)
                for one in freezes
            ):
                frozen.add(post)
    return frozen
