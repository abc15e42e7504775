"""Storages by `postgresql:` and `postgres:` URLs."""

from typing import NoReturn

from adapters.postgresql.connection_settings import parameters_of
from application.ports.clock import Clock


class PostgresScheme:
    """Implements StorageScheme."""

    def create(self, url: str, clock: Clock, *, lease_seconds: float) -> NoReturn:
        del clock, lease_seconds
        parameters_of(url)
        raise ValueError("postgresql: is not supported yet; use file:///directory or memory:")

    def attach(self, url: str, clock: Clock) -> NoReturn:
        self.create(url, clock, lease_seconds=0)
