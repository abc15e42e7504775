"""A cache that forgets the oldest values."""

from typing import Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_SIZE: Final = 20_000


class BoundedCache(dict[K, V]):
    """The latest values; older ones are forgotten."""

    def __setitem__(self, key: K, value: V) -> None:
        if len(self) >= _SIZE:
            self.pop(next(iter(self)))
        super().__setitem__(key, value)
