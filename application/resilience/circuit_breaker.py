"""The line to the workflow engine: during an outage one request probes, and all others wait for it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import structlog

from application.health import HealthRegistry
from application.ports.workflow import PackDefinition, Workflow
from application.resilience.backoff import exponential_backoff
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
T = TypeVar("T")

_OUTAGES = (WorkflowUnreachable, WorkflowUnauthorized)
_AT_ONCE = 32
"""Requests under way at one time. The engine is one server with one database; more would only queue up there."""


class EngineLine:
    """Brings requests to the engine through outages and through a forgotten registration."""

    def __init__(self, workflow: Workflow, offer: PackDefinition, stop: Shutdown, health: HealthRegistry) -> None:
        self._workflow = workflow
        self._offer = offer
        self._stop = stop
        self._health = health
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._registering = asyncio.Lock()
        self._registrations = 0

    async def register(self) -> None:
        """Make the pack known to the engine, however long it takes. Raises Stopping when the pack ends before."""
        await self._through_outages(self._register)

    async def __call__(self, request: Callable[[], Awaitable[T]]) -> T:
        """What the request returns, or any error that is not an outage.

        Outages are waited out, and an engine that has forgotten the pack is told of it again, once: PackUnknown after
        that is what the engine thinks of this very request. Raises Stopping when the pack ends before.
        """
        registrations = self._registrations
        try:
            return await self._through_outages(request)
        except PackNotRegistered:
            await self._register_again(registrations)
            return await self._through_outages(request)

    async def _through_outages(self, request: Callable[[], Awaitable[T]]) -> T:
        pauses = exponential_backoff(0.25, 10)
        while True:
            if not self._is_open.is_set():  # while the pack ends, what needs no waiting is still done
                await self._stop.wait(None, self._is_open)
            try:
                async with self._slots:
                    result = await request()
            except _OUTAGES as outage:
                await self._probe_or_wait(outage, pauses)
            else:
                self._report_reached()
                return result

    async def _probe_or_wait(self, outage: WorkflowError, pauses: Iterator[float]) -> None:
        if not self._is_open.is_set():
            return  # somebody else probes already
        self._is_open.clear()
        try:
            await self._probe(outage, pauses)
        finally:
            self._is_open.set()

    async def _probe(self, outage: WorkflowError, pauses: Iterator[float]) -> None:
        """Register until the engine answers: harmless however often, and needed after many an outage.

        The pauses belong to the request: one that fails again and again, while registering works, slows down too.
        """
        for pause in pauses:
            log.warning("workflow_engine_out_of_reach", reason=str(outage), again_in_seconds=round(pause, 2))
            self._health.report("flyte", healthy=False, status=_status(outage))
            await self._stop.sleep(pause)
            try:
                await self._register()
            except _OUTAGES as again:
                outage = again
            else:
                self._report_reached()
                return

    async def _register_again(self, registrations: int) -> None:
        async with self._registering:
            if registrations == self._registrations:
                log.warning("pack_forgotten_by_the_engine", pack=self._offer.name)
                await self.register()

    async def _register(self) -> None:
        """Register once; an engine that can't take the pack is as good as out of reach."""
        try:
            await self._workflow.register(self._offer)
        except (WorkflowServerError, RejectedByWorkflow, PackNotRegistered) as error:
            raise WorkflowUnreachable(f"the pack could not be registered: {error}") from error
        self._registrations += 1
        log.info("registered", pack=self._offer.name)

    def report_failing(self, status: str) -> None:
        """The engine answers, but not as it should; any request that succeeds later makes it healthy again."""
        self._health.report("flyte", healthy=False, status=status)

    def _report_reached(self) -> None:
        self._health.report("flyte", healthy=True, status="reached")


def _status(outage: WorkflowError) -> str:
    return "refuses the pack's token" if isinstance(outage, WorkflowUnauthorized) else "out of reach"
