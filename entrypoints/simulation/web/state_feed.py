"""Replicates the page's state: JSON values by key, with a version number that grows with every change."""

import asyncio
from dataclasses import dataclass
from typing import Final

MAX_REMOVALS: Final = 1_000
"""Number of removed keys that are remembered for copies that still hold them."""


@dataclass(frozen=True, slots=True)
class Delta:
    """Values by key that bring a copy up to `version`; None removes a key. A snapshot replaces the whole copy."""

    version: int
    is_snapshot: bool
    values: dict[str, object]


class StateFeed:
    """Values by key. Returns the delta for a copy of any earlier version, however far it lags behind."""

    def __init__(self) -> None:
        self.version = 0
        self._values: dict[str, tuple[int, object]] = {}  # these two in order of their last change
        self._removed: dict[str, int] = {}
        self._complete_since = 0
        self._changed = asyncio.Event()

    def publish(self, key: str, value: object) -> None:
        """Sets a value, which the caller must not mutate afterwards. An equal value is not a change."""
        if key in self._values and self._values[key][1] == value:
            return
        self._values.pop(key, None)
        self._removed.pop(key, None)
        self._values[key] = (self._next_version(), value)

    def remove(self, key: str) -> None:
        """Removes a value. An unknown key is not a change."""
        if self._values.pop(key, None) is None:
            return
        self._removed[key] = self._next_version()
        if len(self._removed) > MAX_REMOVALS:
            oldest = next(iter(self._removed))
            self._complete_since = self._removed.pop(oldest)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def keys(self, prefix: str) -> list[str]:
        """Returns the keys with this prefix."""
        return [key for key in self._values if key.startswith(prefix)]

    def delta_since(self, version: int) -> Delta:
        """Returns the changes since a version; a snapshot if that version is too old, or of another feed."""
        is_snapshot = version == 0 or not self._complete_since <= version <= self.version
        since = 0 if is_snapshot else version
        values: dict[str, object] = {}
        for key, (changed, value) in reversed(self._values.items()):
            if changed <= since:
                break
            values[key] = value
        if not is_snapshot:
            values |= {key: None for key, removed in self._removed.items() if removed > since}
        return Delta(self.version, is_snapshot, values)

    async def wait_for_change_since(self, version: int) -> None:
        """Returns when the feed is past this version."""
        while self.version <= version:
            self._changed.clear()
            await self._changed.wait()

    def _next_version(self) -> int:
        self.version += 1
        self._changed.set()
        return self.version
