"""Circuit breaker for the workflow engine: during an outage one request probes while the others wait."""

import asyncio
from collections.abc import Iterator
from typing import Any

import structlog

from application.health import HealthReporter
from application.ports.workflow import PackDefinition, Workflow
from application.resilience.backoff import exponential_backoff
from application.resilience.interception import PortCall
from application.resilience.shutdown import Shutdown
from domain.errors import (
    PackNotRegistered,
    RejectedByWorkflow,
    WorkflowError,
    WorkflowServerError,
    WorkflowUnauthorized,
    WorkflowUnreachable,
)

log = structlog.get_logger()

_OUTAGES = (WorkflowUnreachable, WorkflowUnauthorized)
_MAX_CONCURRENT_REQUESTS = 32
"""The engine is one server with one database; more requests would only queue up there."""
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.25, 10


class WorkflowCircuitBreaker:
    """Carries requests through outages, and registers the pack again when the engine has forgotten it."""

    def __init__(
        self, workflow: Workflow, definition: PackDefinition, shutdown: Shutdown, health: HealthReporter
    ) -> None:
        self._workflow = workflow
        self._definition = definition
        self._shutdown = shutdown
        self._health = health
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT_REQUESTS)
        self._closed = asyncio.Event()
        self._closed.set()
        self._registering = asyncio.Lock()
        self._registrations = 0
        self._answered = asyncio.Event()

    async def register(self) -> None:
        """Registers the pack, however long it takes. Raises ShutdownRequested if the pack is to end before."""
        await self._through_outages(PortCall("register", (), {}, self._register))

    async def wait_until_registered(self) -> None:
        """Returns when the pack has been registered once. Raises ShutdownRequested if the pack is to end before."""
        await self._shutdown.wait(None, self._answered)

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy. Raises any error that is not an outage, and ShutdownRequested.

        If the engine does not know the pack, registers it again, once: PackNotRegistered after that concerns this very
        request.
        """
        registrations = self._registrations
        try:
            return await self._through_outages(call)
        except PackNotRegistered:
            await self._register_again(registrations)
            return await self._through_outages(call)

    async def _through_outages(self, call: PortCall) -> Any:
        pauses = exponential_backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
        while True:
            if not self._closed.is_set():  # during shutdown, requests that need not wait are still made
                await self._shutdown.wait(None, self._closed)
            try:
                async with self._slots:
                    result = await call.perform()
            except _OUTAGES as outage:
                await self._probe_unless_probing(outage, pauses)
            else:
                self._report_healthy()
                return result

    async def _probe_unless_probing(self, outage: WorkflowError, pauses: Iterator[float]) -> None:
        if not self._closed.is_set():
            return
        self._closed.clear()
        try:
            await self._probe(outage, pauses)
        finally:
            self._closed.set()

    async def _probe(self, outage: WorkflowError, pauses: Iterator[float]) -> None:
        """Registers until the engine answers: safe to repeat, and necessary after many an outage.

        The pauses belong to the request: one that keeps failing slows down even while registering works.
        """
        for pause in pauses:
            log.warning("workflow_engine_out_of_reach", reason=str(outage), again_in_seconds=round(pause, 2))
            self._health.report(healthy=False, status=_status(outage))
            await self._shutdown.sleep(pause)
            try:
                await self._register()
            except _OUTAGES as again:
                outage = again
            else:
                self._report_healthy()
                return

    async def _register_again(self, registrations: int) -> None:
        async with self._registering:
            if registrations == self._registrations:
                log.warning("pack_forgotten_by_the_engine", pack=self._definition.name)
                await self.register()

    async def _register(self) -> None:
        """Registers once; an engine that can't accept the pack counts as unreachable."""
        try:
            await self._workflow.register(self._definition)
        except (WorkflowServerError, RejectedByWorkflow, PackNotRegistered) as error:
            raise WorkflowUnreachable(f"the pack could not be registered: {error}") from error
        self._registrations += 1
        self._answered.set()
        log.info("registered", pack=self._definition.name)

    def _report_healthy(self) -> None:
        self._health.report(healthy=True, status="reached")


def _status(outage: WorkflowError) -> str:
    return "refuses the pack's token" if isinstance(outage, WorkflowUnauthorized) else "out of reach"
