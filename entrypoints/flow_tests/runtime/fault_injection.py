"""Injects a flow test's faults into the ports."""

from typing import Any

from application.resilience.interception import PortCall
from domain.errors import InDoubt
from entrypoints.flow_tests.runtime.faults import FlyteFaults, SlackFaults


class ChatFaultPolicy:
    """Fails calls of the chat port as the test asks. A post in doubt may be performed before it fails."""

    def __init__(self, faults: SlackFaults) -> None:
        self._faults = faults

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        error = self._faults.next_error(call.method, _subject(call))
        if isinstance(error, InDoubt) and self._faults.is_posted:
            await call.perform()
        if error:
            raise error
        return await call.perform()


def _subject(call: PortCall) -> str:
    match call.method:
        case "post":
            return str(call.arguments[0].channel_id)
        case "join" | "leave" | "look_up":
            return str(call.arguments[0])
        case _:
            return ""


class WorkflowFaultPolicy:
    """Fails calls of the workflow port as the test asks."""

    def __init__(self, faults: FlyteFaults) -> None:
        self._faults = faults

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        if error := self._faults.next_error():
            raise error
        return await call.perform()
