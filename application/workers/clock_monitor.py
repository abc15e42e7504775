"""Watches how far the pack's clock is from those of the chat service and the workflow engine."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from application.health import HealthReporter
from application.ports.chat import Chat
from application.ports.clock import Clock
from application.ports.workflow import Workflow
from application.resilience.shutdown import Shutdown
from domain.errors import ChatError

log = structlog.get_logger()

_INTERVAL_SECONDS = 5.0
_TOLERANCE = timedelta(seconds=5)
_TOLERANCE_AGAIN = timedelta(seconds=4)
"""The lower threshold at which a difference ends: services tell whole seconds only, and the report must not flap."""


class ClockMonitor:
    """Compares the clocks periodically: reports each difference of more than 5 s to health, and logs it once.

    A difference makes nothing unhealthy: what the pack compares with a service's time, it takes from that service.
    """

    def __init__(
        self,
        clock: Clock,
        chat: Chat,
        workflow: Workflow,
        chat_health: HealthReporter,
        workflow_health: HealthReporter,
        shutdown: Shutdown,
    ) -> None:
        self._chat = chat
        self._chat_clock = _Comparison("chat service", clock, chat.now, chat_health)
        self._workflow_clock = _Comparison("workflow engine", clock, workflow.now, workflow_health)
        self._shutdown = shutdown

    async def run(self) -> None:
        """Runs until the pack ends."""
        while True:
            self._workflow_clock.update()
            if self._chat_clock.update():
                await self._ask_chat()
            await self._shutdown.sleep(_INTERVAL_SECONDS)

    async def _ask_chat(self) -> None:
        """Asks the chat service for its time, which it tells with every answer.

        After a sudden change either the pack's clock was set, or the machine was suspended; then the pack's idea of
        the service's time is wrong, and a pack that only receives may not ask anything for hours. The engine is asked
        all the time. One answer alone is not believed.
        """
        with suppress(ChatError):
            for _ in range(2):
                await self._chat.identify()


class _Comparison:
    """The pack's clock beside that of a service."""

    def __init__(self, service: str, clock: Clock, service_now: Callable[[], datetime], health: HealthReporter) -> None:
        self._service = service
        self._clock = clock
        self._service_now = service_now
        self._health = health
        self._ahead = timedelta()
        self._is_reported = False

    def update(self) -> bool:
        """Measures and reports; returns whether the difference has changed by more than the tolerance."""
        before, self._ahead = self._ahead, self._clock.now() - self._service_now()
        differs = abs(self._ahead) > (_TOLERANCE_AGAIN if self._is_reported else _TOLERANCE)
        if differs and not self._is_reported:
            log.warning("clock_differs", service=self._service, ahead_seconds=round(self._ahead.total_seconds()))
        elif self._is_reported and not differs:
            log.info("clock_agrees", service=self._service)
        self._is_reported = differs
        self._health.note("clock", _describe(self._ahead) if differs else "")
        return abs(self._ahead - before) > _TOLERANCE


def _describe(ahead: timedelta) -> str:
    seconds = round(abs(ahead).total_seconds())
    return f"this machine's clock is {seconds} s {'behind' if ahead < timedelta() else 'ahead'}"
