"""Circuit breakers for the workflow engine: during an outage one request of a kind probes while the others wait."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import structlog

from application.health import HealthReporter
from application.log_context import log_about_the_pack
from application.loop_time import loop_time
from application.ports.workflow import PackDefinition, Workflow
from application.resilience.backoff import exponential_backoff
from application.resilience.interception import PortCall
from application.resilience.shutdown import Shutdown
from application.resilience.troubles import Troubles
from domain.errors import (
    PackNotRegistered,
    PathRefused,
    RejectedByWorkflow,
    WorkflowError,
    WorkflowInDoubt,
    WorkflowServerError,
    WorkflowUnauthorized,
    WorkflowUnreachable,
)
from domain.interactions import INTERACTIONS

log = structlog.get_logger()

_OUTAGES = (PackNotRegistered, WorkflowUnreachable, WorkflowUnauthorized)
_REFUSALS = (PackNotRegistered, PathRefused)
_MAX_CONCURRENT_REQUESTS = 32
"""The engine is one server with one database; more requests would only queue up there."""
_MAX_CONCURRENT_INTERACTIONS = 8
"""A separate limit, so that interactions never wait behind other requests."""
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.25, 10
_ABOUT_ONE_ACTION = "complete"
"""The request whose refusal may concern one action only."""
_TRUST_SECONDS = 1.0
"""How long after a registration a refused result is blamed on its action: thousands of results must not all
register."""
_FAILING = {"take": "fails when asked for actions", "publish": "fails when given events"}
_MAX_FAILURES = 8
"""Failures in a row that mean an outage: losing a race for an action to another replica happens, but not that often."""
_REFUSED = "refuses {}: check its security policy, and the pack's name and labels"
_REQUESTS = {"take": "requests for actions", "publish": "events", "complete": "results"}


class _Circuit:
    """The circuit of one kind of request: whether requests get through. Pauses grow until one does."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.closed.set()
        self.reset()

    def reset(self) -> None:
        """The engine has answered."""
        self.problem = ""
        self.failures = 0
        self.pauses = exponential_backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
        self.troubles = Troubles()


class WorkflowCircuitBreaker:
    """Carries requests through outages, and registers the pack again when the engine has forgotten it.

    Every kind of request has a circuit of its own, since an engine may serve one and refuse another, and its health is
    judged by all of them: a registration that succeeds proves nothing for events.
    """

    def __init__(
        self,
        workflow: Workflow,
        definition: Callable[[], PackDefinition | None],
        shutdown: Shutdown,
        health: HealthReporter,
    ) -> None:
        """`definition` returns what to register the pack with; None while another replica does so."""
        self._workflow = workflow
        self._definition = definition
        self._shutdown = shutdown
        self._health = health
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT_REQUESTS)
        self._slots_for_interactions = asyncio.Semaphore(_MAX_CONCURRENT_INTERACTIONS)
        self._circuits: defaultdict[str, _Circuit] = defaultdict(_Circuit)
        self._registering = asyncio.Lock()
        self._registered = asyncio.Event()
        self._registrations = 0
        self._trusted_until = 0.0

    async def register(self) -> None:
        """Registers the pack, however long it takes, unless another replica does so.

        Raises ShutdownRequested if the pack is to end before.
        """
        if self._definition() is None:
            self._registered.set()
            return
        await self._through_outages(PortCall("register", (), {}, self._register))

    async def wait_until_registered(self) -> None:
        """Returns when the pack has been registered once. Raises ShutdownRequested if the pack is to end before."""
        await self._shutdown.wait(None, self._registered)

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy. Raises any error that is not an outage, and ShutdownRequested.

        Waits for the first registration. If the engine does not know the pack, registers it again. PackNotRegistered
        after that, and PathRefused, are raised for the result of an action only, which they may concern alone.
        """
        if not self._registered.is_set():  # during shutdown, requests that need not wait are still made
            await self._shutdown.wait(None, self._registered)
        return await self._through_outages(call)

    async def _through_outages(self, call: PortCall) -> Any:
        circuit = self._circuits[call.method]
        before = self._registrations
        while True:
            if not circuit.closed.is_set():
                await self._shutdown.wait(None, circuit.closed)
            seen = self._registrations
            try:
                return await self._perform(call, circuit)
            except _OUTAGES as outage:
                if self._concerns_one_action(call, outage, before):
                    raise
                if circuit.closed.is_set():
                    circuit.closed.clear()
                    try:
                        return await self._probe(call, circuit, outage, before, seen)
                    finally:
                        circuit.closed.set()

    async def _perform(self, call: PortCall, circuit: _Circuit) -> Any:
        try:
            async with self._slots_for_interactions if _is_interaction(call) else self._slots:
                result = await call.perform()
        except _OUTAGES as outage:
            if call.method == _ABOUT_ONE_ACTION and isinstance(outage, PathRefused):
                self._report(circuit, _status(outage, call))
            raise
        except WorkflowError as error:
            self._judge(error, call, circuit)
            raise
        circuit.reset()
        self._report(circuit)
        return result

    def _judge(self, error: WorkflowError, call: PortCall, circuit: _Circuit) -> None:
        """The engine may reject one request; it is unhealthy if it does nothing else."""
        if call.method in _FAILING and not isinstance(error, RejectedByWorkflow):
            circuit.failures += 1
            if circuit.failures >= _MAX_FAILURES:
                self._report(circuit, _FAILING[call.method])
        elif not isinstance(error, WorkflowInDoubt):
            circuit.reset()
            self._report(circuit)

    async def _probe(self, call: PortCall, circuit: _Circuit, outage: WorkflowError, before: int, seen: int) -> Any:
        """Repeats the request until the engine answers it.

        Registers first, which is safe to repeat, and necessary after many an outage; not where it can't help.
        """
        while True:
            is_forgotten = isinstance(outage, PackNotRegistered) and not circuit.problem
            if not is_forgotten:
                await self._pause(call, circuit, outage)
            try:
                if not isinstance(outage, PathRefused) and call.method != "register":
                    await self._register_unless_done(seen, is_forgotten=is_forgotten)
                seen = self._registrations
                return await self._perform(call, circuit)
            except _OUTAGES as again:
                if self._concerns_one_action(call, again, before):
                    raise
                outage = again
                if is_forgotten:
                    self._report(circuit, _status(outage, call))

    async def _pause(self, call: PortCall, circuit: _Circuit, outage: WorkflowError) -> None:
        pause = next(circuit.pauses)
        _log_outage(outage, pause, is_new=circuit.troubles.is_new(str(outage)))
        self._report(circuit, _status(outage, call))
        await self._shutdown.sleep(pause)

    def _concerns_one_action(self, call: PortCall, outage: WorkflowError, registrations_before: int) -> bool:
        """Whether the engine serves the pack, registered during the call or just before, but not this action."""
        if call.method != _ABOUT_ONE_ACTION or not isinstance(outage, _REFUSALS):
            return False
        is_registered = self._registrations != registrations_before or loop_time() < self._trusted_until
        return isinstance(outage, PathRefused) or is_registered

    async def _register_unless_done(self, seen: int, *, is_forgotten: bool) -> None:
        async with self._registering:
            if self._registrations != seen:
                return
            if is_forgotten:
                with log_about_the_pack():
                    log.warning("pack_forgotten_by_the_engine")
            await self._register()

    async def _register(self) -> None:
        """Registers once; an engine that can't accept the pack counts as unreachable, like one that waits for another
        replica.
        """
        definition = self._definition()
        if definition is None:
            raise WorkflowUnreachable("a newer replica has to register the pack")
        try:
            await self._workflow.register(definition)
        except (WorkflowServerError, RejectedByWorkflow, *_REFUSALS) as error:
            raise WorkflowUnreachable(f"the pack could not be registered: {error}") from error
        self._registrations += 1
        self._trusted_until = loop_time() + _TRUST_SECONDS
        self._registered.set()
        with log_about_the_pack():
            log.info("registered", pack=definition.name)

    def _report(self, circuit: _Circuit, problem: str = "") -> None:
        circuit.problem = problem
        problems = dict.fromkeys(each.problem for each in self._circuits.values() if each.problem)
        self._health.report(healthy=not problems, status="; ".join(problems) or "reached")


def _is_interaction(call: PortCall) -> bool:
    return call.method == "publish" and isinstance(call.arguments[0].event, INTERACTIONS)


def _status(outage: WorkflowError, call: PortCall) -> str:
    if isinstance(outage, WorkflowUnauthorized):
        return "refuses the pack's token"
    if isinstance(outage, _REFUSALS):
        return _REFUSED.format(_REQUESTS.get(call.method, "requests"))
    return "out of reach"


def _log_outage(outage: WorkflowError, pause: float, *, is_new: bool) -> None:
    fields = {"reason": str(outage), "again_in_seconds": round(pause, 2)}
    match isinstance(outage, _REFUSALS), is_new:
        case True, True:
            log.warning("workflow_engine_refuses", **fields)
        case True, False:
            log.debug("workflow_engine_refuses", **fields)
        case False, True:
            log.warning("workflow_engine_out_of_reach", **fields)
        case _:
            log.debug("workflow_engine_out_of_reach", **fields)
