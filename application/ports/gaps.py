"""Periods of the history that the pack still has to read."""

from collections.abc import Sequence
from typing import Protocol

from domain.gaps import Gap


class Gaps(Protocol):
    """Part of a Storage, whose docstring applies."""

    async def add(self, gaps: Sequence[Gap]) -> None:
        """Stores the gaps, all or none. One that overlaps others of its channel is merged with them."""

    async def pending(self) -> list[Gap]:
        """Returns the gaps that have not been closed, in no particular order."""

    async def close(self, gap: Gap) -> None:
        """Records that the gap has been read to its end. No effect if it was merged with a later one meanwhile."""
