"""What the suites of all storages stand on."""

from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import HealthCheck, settings

from application.ports.storage import Storage

Restart = Callable[[], Storage]
"""The storage as a process finds it that starts now, the earlier one being gone. Not opened yet."""

arbitrary = settings(
    max_examples=60,
    deadline=None,
    # One storage for all examples of a test, which don't meddle with one another; one test for several storages,
    # whose examples are not to be replayed on each other.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    database=None,
)
"""How to run a test of arbitrary values."""


class StorageSuite:
    """What a suite needs: `restart` from the implementation under test."""

    is_durable = True
    """Whether what is stored outlives the process."""

    @pytest.fixture
    def restart(self) -> Restart:
        raise NotImplementedError

    @pytest.fixture
    async def storage(self, restart: Restart) -> AsyncIterator[Storage]:
        """Open, for the length of a test."""
        storage = restart()
        async with storage.open():
            yield storage
