"""Storages by `postgresql:` and `postgres:` URLs."""

from typing import Final

from adapters.postgresql.storage import PostgresStorage
from application.ports.clock import Clock

_ATTACHED_SECONDS: Final = 20.0
"""An operator's command owns nothing that others would wait for."""


class PostgresScheme:
    """Implements StorageScheme."""

    def create(self, url: str, clock: Clock, *, lease_seconds: float) -> PostgresStorage:
        return PostgresStorage(url, clock, lease_seconds=lease_seconds)

    def attach(self, url: str, clock: Clock) -> PostgresStorage:
        return PostgresStorage(url, clock, lease_seconds=_ATTACHED_SECONDS, attached=True)
