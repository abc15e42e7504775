"""Storing without giving up: what must be on disk is tried until it is, or until the pack ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from application.health import HealthRegistry
from application.resilience.backoff import exponential_backoff
from application.resilience.shutdown import Shutdown
from domain.errors import StorageError

log = structlog.get_logger()
T = TypeVar("T")


class Safekeeping:
    """The way to the storage for everything that must not be lost."""

    def __init__(self, stop: Shutdown, health: HealthRegistry) -> None:
        self._stop = stop
        self._health = health
        self._working = asyncio.Event()
        self._working.set()
        self._failing = 0
        self._is_reported_working = False

    async def __call__(self, request: Callable[[], Awaitable[T]]) -> T:
        """What the request returns, once the storage could serve it. Raises Stopping when the pack ends before.

        The request is made at least once, also while the pack ends.
        """
        try:
            result = await request()
        except StorageError as error:
            return await self._insist(request, error)
        if not self._failing:
            self._report_working()
        return result

    async def until_working(self) -> None:
        """Return when no request is waiting for the storage to recover; Stopping when the pack ends before."""
        await self._stop.wait(None, self._working)

    async def _insist(self, request: Callable[[], Awaitable[T]], error: StorageError) -> T:
        self._working.clear()
        self._failing += 1
        try:
            for pause in exponential_backoff(0.1, 5):
                log.error("storage_unavailable", reason=str(error), again_in_seconds=round(pause, 2))
                self._report_failing()
                await self._stop.sleep(pause)
                try:
                    result = await request()
                except StorageError as again:
                    error = again
                else:
                    self._report_working()
                    return result
            raise AssertionError("the pauses have no end")
        finally:
            self._failing -= 1
            if not self._failing:
                self._working.set()

    def _report_working(self) -> None:
        if not self._is_reported_working:
            self._is_reported_working = True
            self._health.report("storage", healthy=True, status="working")

    def _report_failing(self) -> None:
        self._is_reported_working = False
        self._health.report("storage", healthy=False, status="can't store")
