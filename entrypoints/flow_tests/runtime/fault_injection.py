"""Injects a flow test's faults into the ports, and interrupts the receiver's connection."""

import asyncio
from typing import Any

from adapters.memory.chat import MemoryChat
from adapters.memory.receiver import MemoryReceiver
from application.ports.receiver import ChatEvent, Connected, Disconnected
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


class InterruptibleConnection:
    """Between a MemoryChat and its receiver: holds events back while Slack is unreachable, and delivers them later."""

    def __init__(self, chat: MemoryChat, receiver: MemoryReceiver) -> None:
        self._receiver = receiver
        self._held_back: list[ChatEvent] = []
        self._disconnected_at: float | None = None
        """In the event loop's time; None while connected."""
        self._timer: asyncio.TimerHandle | None = None
        chat.listeners.remove(receiver.deliver)
        chat.listeners.append(self._deliver)

    def disconnect(self, seconds: float | None) -> None:
        """Interrupts the connection for so long, or until `reconnect`."""
        if self._disconnected_at is None:
            self._disconnected_at = asyncio.get_running_loop().time()
            self._receiver.deliver(Disconnected("no connection to Slack could be made"))
        self._cancel_timer()
        if seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.reconnect)

    def reconnect(self) -> None:
        """Restores the connection, and delivers what was held back."""
        self._cancel_timer()
        if self._disconnected_at is None:
            return
        self._receiver.deliver(Connected(asyncio.get_running_loop().time() - self._disconnected_at))
        self._disconnected_at = None
        held_back, self._held_back = self._held_back, []
        for event in held_back:
            self._receiver.deliver(event)

    def _deliver(self, event: ChatEvent) -> None:
        if self._disconnected_at is None:
            self._receiver.deliver(event)
        else:
            self._held_back.append(event)

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
