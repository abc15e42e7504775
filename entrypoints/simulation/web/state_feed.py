"""A board of cards that pages copy: each card is a JSON value under a key, and every change has a number."""

import asyncio
from dataclasses import dataclass
from typing import Final

MAX_REMOVALS: Final = 1_000
"""How many removed cards are remembered, for the sake of copies that still have them."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What makes a copy like the board: cards by key, None for those that are gone.

    `is_whole`: these are all the cards there are, whatever the copy has.
    """

    version: int
    is_snapshot: bool
    values: dict[str, object]


class StateFeed:
    """Cards by key. A copy that says up to which change it knows everything is told the rest, however far it lags."""

    def __init__(self) -> None:
        self.version = 0
        """Of the latest change."""
        self._cards: dict[str, tuple[int, object]] = {}  # both in the order of changing
        self._removed: dict[str, int] = {}
        self._complete_since = 0
        self._news = asyncio.Event()

    def publish(self, key: str, value: object) -> None:
        """Write a card; whoever wrote it must not change the value any more. No change when it says this already."""
        if key in self._cards and self._cards[key][1] == value:
            return
        self._cards.pop(key, None)
        self._removed.pop(key, None)
        self._cards[key] = (self._next(), value)

    def remove(self, key: str) -> None:
        """Take a card off; no change when there is none."""
        if self._cards.pop(key, None) is None:
            return
        self._removed[key] = self._next()
        if len(self._removed) > MAX_REMOVALS:
            oldest = next(iter(self._removed))
            self._complete_since = self._removed.pop(oldest)

    def __contains__(self, key: str) -> bool:
        return key in self._cards

    def keys(self, start: str) -> list[str]:
        """The keys that begin like this."""
        return [key for key in self._cards if key.startswith(start)]

    def delta_since(self, number: int) -> Delta:
        """What changed after this change; everything for a copy that knows less than the board remembers, or more."""
        if not self._complete_since <= number <= self.version:
            number = 0
        cards: dict[str, object] = {}
        for key, (changed, value) in reversed(self._cards.items()):
            if changed <= number:
                break
            cards[key] = value
        is_whole = number == 0
        if not is_whole:
            cards |= {key: None for key, removed in self._removed.items() if removed > number}
        return Delta(self.version, is_whole, cards)

    async def wait_for_change_since(self, number: int) -> None:
        """Return when there is a later change than this."""
        while self.version <= number:
            self._news.clear()
            await self._news.wait()

    def _next(self) -> int:
        self.version += 1
        self._news.set()
        return self.version
