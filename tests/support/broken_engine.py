"""A workflow engine that fails, behind the circuit breaker."""

import asyncio
from typing import TYPE_CHECKING, Any

from adapters.memory.workflow import MemoryWorkflow
from application.health import HealthRegistry, HealthStatus
from application.resilience.circuit_breaker import WorkflowCircuitBreaker
from application.resilience.interception import intercepted
from application.resilience.shutdown import Shutdown
from application.use_cases.dispatcher import pack_definition
from domain.actions import ActionId
from domain.channels import ChannelId
from domain.errors import (
    WorkflowUnreachable,
)
from domain.events import Fatal, ReceivedMessage
from domain.messages import IncomingMessage
from domain.users import User
from tests.support.faults import Faults
from tests.support.virtual_time import TestTime

if TYPE_CHECKING:
    from domain.actions import Action

DOWN = WorkflowUnreachable("connection refused")


class Environment:
    """A workflow engine behind the circuit breaker."""

    def __init__(self) -> None:
        self.clock = TestTime()
        self.faults = Faults()
        self.engine = MemoryWorkflow()
        faulty = intercepted(self.engine, self.faults)
        self.shutdown = Shutdown()
        self.health = HealthRegistry(("flyte",))
        definition = pack_definition("Slack", {})
        self.breaker = WorkflowCircuitBreaker(faulty, lambda: definition, self.shutdown, self.health.reporter("flyte"))
        self.workflow = intercepted(faulty, self.breaker)

    def start(self) -> "asyncio.Task[Action | None]":
        return asyncio.create_task(self.workflow.take(), name="take")

    def ask(self, method: str) -> "asyncio.Task[Any]":
        if method == "take":
            return self.start()
        event = ReceivedMessage(IncomingMessage(ChannelId("C1"), "1.1", "hello"), User("U1"))
        return asyncio.create_task(self.workflow.publish(event, self.clock.now()), name="publish")

    async def work_other_than(self, method: str) -> None:
        """Makes the other kind of request, which is answered."""
        await self.ask("take" if method == "publish" else "publish")

    async def complete(self, action: str = "unknown") -> None:
        await self.workflow.complete(ActionId(action), Fatal("x"), self.clock.now())

    def go_down(self) -> None:
        for method in ("register", "take"):
            self.faults.fail_before(method, DOWN)

    def come_back(self) -> None:
        for method in ("register", "take"):
            self.faults.lift(method)

    @property
    def flyte(self) -> HealthStatus:
        return self.health.checks()["flyte"]
