"""The base of the storage contracts."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings

from application.ports.storage import Storage
from entrypoints.testing.manual_clock import ManualClock
from entrypoints.testing.storage_values import CLOCK, NOW

Restart = Callable[[], Storage]
"""Returns the storage as a newly started process finds it after the previous one has exited; not opened yet."""

property_settings = settings(
    max_examples=60,
    deadline=None,
    # The examples of a test share one storage and do not affect each other. Subclasses share a test, but must not
    # replay each other's examples.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    database=None,
)
"""Settings of property-based tests."""


class StorageSuite:
    """Subclasses for an implementation provide the fixture `restart`, whose storages use the fixture `clock`."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        """The storage's clock; `at` sets it."""
        CLOCK.time, CLOCK.error = NOW, timedelta()
        return CLOCK

    @pytest.fixture
    def restart(self) -> Restart:
        raise NotImplementedError

    @pytest.fixture
    async def storage(self, restart: Restart) -> AsyncIterator[Storage]:
        """The storage, open for the duration of a test."""
        storage = restart()
        async with storage.open():
            yield storage
