"""Retries storage operations until they succeed or the pack shuts down."""

import asyncio
from typing import Any

import structlog

from application.health import HealthReporter
from application.resilience.backoff import exponential_backoff
from application.resilience.interception import PortCall
from application.resilience.shutdown import Shutdown
from domain.errors import StorageError

log = structlog.get_logger()

_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.1, 5


class StorageRetryPolicy:
    """For everything that must not be lost."""

    def __init__(self, shutdown: Shutdown, health: HealthReporter) -> None:
        self._shutdown = shutdown
        self._health = health
        self._available = asyncio.Event()
        self._available.set()
        self._failing_calls = 0
        self._is_reported_healthy = False

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy. Makes the call at least once, also during shutdown; raises ShutdownRequested."""
        try:
            result = await call.perform()
        except StorageError as error:
            return await self._retry_forever(call, error)
        if not self._failing_calls:
            self._report_healthy()
        return result

    async def wait_until_available(self) -> None:
        """Returns when no call is waiting for the storage to recover. Raises ShutdownRequested."""
        await self._shutdown.wait(None, self._available)

    async def _retry_forever(self, call: PortCall, error: StorageError) -> Any:
        self._available.clear()
        self._failing_calls += 1
        try:
            for pause in exponential_backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS):
                log.error("storage_unavailable", reason=str(error), again_in_seconds=round(pause, 2))
                self._report_unhealthy()
                await self._shutdown.sleep(pause)
                try:
                    result = await call.perform()
                except StorageError as again:
                    error = again
                else:
                    self._report_healthy()
                    return result
        finally:
            self._failing_calls -= 1
            if not self._failing_calls:
                self._available.set()

    def _report_healthy(self) -> None:
        if not self._is_reported_healthy:
            self._is_reported_healthy = True
            self._health.report(healthy=True, status="working")

    def _report_unhealthy(self) -> None:
        self._is_reported_healthy = False
        self._health.report(healthy=False, status="can't store")
