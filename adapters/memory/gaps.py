"""The gaps of a storage in memory."""

from collections.abc import Sequence

from domain.gaps import Gap


class MemoryGaps:
    """Implements Gaps."""

    def __init__(self) -> None:
        self._pending: set[Gap] = set()

    async def add(self, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            overlapping = {other for other in self._pending if other.overlaps(gap)}
            self._pending = self._pending - overlapping | {gap.merged(overlapping)}

    async def pending(self) -> list[Gap]:
        return list(self._pending)

    async def close(self, gap: Gap) -> None:
        self._pending.discard(gap)
