"""Storages by `memory:` URLs."""

from typing import NoReturn
from urllib.parse import urlsplit

from application.ports.clock import Clock
from application.ports.storage import Storage


class MemoryScheme:
    """Implements StorageScheme."""

    def create(self, url: str, clock: Clock, *, lease_seconds: float) -> Storage:
        del lease_seconds  # no other process can use the memory
        parts = urlsplit(url)
        if parts.query or parts.fragment:
            raise ValueError("memory: takes no parameters")
        if parts.netloc or parts.path:
            raise ValueError("memory: takes nothing after the colon")
        from adapters.memory.storage import MemoryStorage  # noqa: PLC0415 - slow to load; other storages don't need it

        return MemoryStorage(clock)

    def attach(self, url: str, clock: Clock) -> NoReturn:
        del url, clock
        raise ValueError("memory: is in the pack's own process, and other processes can't access it")
