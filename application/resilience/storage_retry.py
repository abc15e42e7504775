"""Retries storage operations until they succeed or the pack shuts down."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import structlog

from application.health import HealthReporter
from application.loop_time import loop_time
from application.ports.storage import Storage
from application.ports.telemetry import Failure, Telemetry
from application.resilience.backoff import exponential_backoff
from application.resilience.interception import PortCall
from application.resilience.shutdown import Shutdown
from application.resilience.troubles import Troubles
from domain.errors import StorageError, StorageUnavailable, StorageUnusable, TooLate

log = structlog.get_logger()

_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.1, 5
_MAX_PAUSE_OF_DEADLINE_SECONDS = 0.4
"""The longest pause between attempts of a call that has to be done within a few seconds."""
_MAX_PAUSES_SECONDS = {"heartbeat": 1.0}
"""The longest pauses of calls whose success shows in health that the storage is back."""
_REFUSALS = frozenset({"replicas.claim_for"})
"""Calls whose StorageUnusable is an answer; from all others it is a disturbance that an operator may end."""
_DEADLINE = "within_seconds"
"""The argument that limits the time of a call."""


class StorageRetryPolicy:
    """Repeats the calls of a storage: what it keeps must not be lost."""

    def __init__(self, shutdown: Shutdown, health: HealthReporter, telemetry: Telemetry) -> None:
        self._shutdown = shutdown
        self._health = health
        self._telemetry = telemetry
        self._available = asyncio.Event()
        self._available.set()
        self._recovered = asyncio.Event()
        """Set for a moment by a call that succeeds in the end: those that failed with it need not wait longer."""
        self._failing_calls = 0
        self._is_reported_healthy = False
        self._troubles = Troubles()

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy. Makes the call at least once, also during the grace period; raises ShutdownRequested.

        Raises TooLate once the time that `within_seconds` gave the call is over. Raises StorageUnusable if the
        storage belongs to another bot.
        """
        began_at = loop_time()
        try:
            result = await self._perform(call)
        except StorageError as error:
            if isinstance(error, StorageUnusable) and call.method in _REFUSALS:
                raise
            result = await self._retry(call, error, began_at)
        if not self._failing_calls:
            self._report_healthy()
        return result

    @asynccontextmanager
    async def opened(self, storage: Storage) -> AsyncIterator[None]:
        """Opens a storage. Waits for one that replicas share, whose server may start later than the pack.

        Raises StorageError, and ShutdownRequested.
        """
        async with AsyncExitStack() as exits:
            for pause in exponential_backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS):
                try:
                    async with self._shutdown.within_grace():
                        await exits.enter_async_context(storage.open())
                    break
                except StorageUnavailable as error:
                    if not storage.describe().is_shared:
                        raise
                    await self._pause(error, pause)
            yield

    async def wait_until_available(self) -> None:
        """Returns when no call is waiting for the storage to recover. Raises ShutdownRequested."""
        await self._shutdown.wait(None, self._available)

    async def _retry(self, call: PortCall, error: StorageError, began_at: float) -> Any:
        self._available.clear()
        self._failing_calls += 1
        try:
            for pause in exponential_backoff(_FIRST_PAUSE_SECONDS, _max_pause_seconds(call)):
                await self._pause(error, pause)
                try:
                    result = await self._perform(_with_time_left(call, began_at))
                except StorageError as again:
                    error = again
                else:
                    self._wake_others()
                    return result
        finally:
            self._failing_calls -= 1
            if not self._failing_calls:
                self._available.set()

    async def _perform(self, call: PortCall) -> Any:
        if not self._shutdown.is_requested:  # a call in progress is cancelled with the task that made it
            return await call.perform()
        async with self._shutdown.within_grace():
            return await call.perform()

    async def _pause(self, error: StorageError, seconds: float) -> None:
        self._telemetry.note(Failure.STORAGE)
        fields = {"reason": str(error), "again_in_seconds": round(seconds, 2)}
        if self._troubles.is_new(str(error)):
            log.error("storage_unavailable", **fields)
        else:
            log.debug("storage_unavailable", **fields)
        self._report_unhealthy()
        await self._shutdown.wait(seconds, self._recovered)

    def _wake_others(self) -> None:
        self._recovered.set()
        self._recovered.clear()

    def _report_healthy(self) -> None:
        if not self._is_reported_healthy:
            self._is_reported_healthy = True
            self._troubles.end()
            self._health.report(healthy=True, status="working")

    def _report_unhealthy(self) -> None:
        self._is_reported_healthy = False
        self._health.report(healthy=False, status="can't store")


def _max_pause_seconds(call: PortCall) -> float:
    if _seconds_given(call) is not None:
        return _MAX_PAUSE_OF_DEADLINE_SECONDS
    return _MAX_PAUSES_SECONDS.get(call.method, _MAX_PAUSE_SECONDS)


def _seconds_given(call: PortCall) -> float | None:
    seconds: float | None = call.keywords.get(_DEADLINE)
    return seconds


def _with_time_left(call: PortCall, began_at: float) -> PortCall:
    """Returns the call as a repeat has to be made. Raises TooLate."""
    seconds = _seconds_given(call)
    if seconds is None:
        return call
    left = seconds - (loop_time() - began_at)
    if left <= 0:
        raise TooLate
    return replace(call, keywords={**call.keywords, _DEADLINE: left})
