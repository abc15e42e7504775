"""Counts the requests to Flyte, and measures the delivery of events."""

from datetime import datetime
from functools import partial
from typing import Any, Final

from adapters.prometheus.metrics import Metrics
from application.catalog.events import event_spec
from application.ports.clock import Clock
from application.resilience.observation import Observer
from domain.errors import WorkflowInDoubt
from domain.outbox import InboundEvent

_UNREACHABLE: Final = "unreachable"
_IN_DOUBT: Final = "in_doubt"
_ALWAYS_SHOWN: Final = {
    "register": ("401", "403"),
    "take": ("200", "204", "401", "403"),
    "publish": ("202", "401", "403"),
    "complete": ("202", "401", "403"),
}


class FlyteRequests:
    """Observes the HTTP client of one call of the workflow port, and counts its requests under the name of the call."""

    def __init__(self, metrics: Metrics) -> None:
        self._counts = metrics.flyte_requests
        for call, statuses in _ALWAYS_SHOWN.items():
            for status in (*statuses, _UNREACHABLE, _IN_DOUBT):
                self._counts.at(call, status)

    def observer_of(self, call: str, name: str) -> Observer | None:
        """Implements ObserverOf for a call."""
        if name not in ("get", "post"):
            return None
        return Observer(partial(self._on_response, call), partial(self._on_error, call))

    def _on_response(self, call: str, _arguments: tuple[Any, ...], response: Any, _seconds: float) -> None:
        self._counts.at(call, str(int(response.status))).inc()

    def _on_error(self, call: str, _arguments: tuple[Any, ...], error: Exception, _seconds: float) -> None:
        self._counts.at(call, _IN_DOUBT if isinstance(error, WorkflowInDoubt) else _UNREACHABLE).inc()


class Deliveries:
    """Observes the workflow port: how long each event took until it was delivered."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._clock = clock
        self._seconds = metrics.delivery
        self._seconds.at("ReceivedMessage")  # others are shown once there are some

    def observer_of(self, name: str) -> Observer | None:
        """Implements ObserverOf."""
        return {"publish": Observer(self._on_published), "were_published": Observer(self._on_asked)}.get(name)

    def _on_published(self, arguments: tuple[Any, ...], _result: None, _seconds: float) -> None:
        event, received_at = arguments
        self._on_delivered(event.event, received_at)

    def _on_asked(self, arguments: tuple[Any, ...], found: list[bool], _seconds: float) -> None:
        for entry, is_delivered in zip(arguments[0], found, strict=True):
            if is_delivered:
                self._on_delivered(entry.event, entry.received_at)

    def _on_delivered(self, event: InboundEvent, received_at: datetime) -> None:
        seconds = (self._clock.now() - received_at).total_seconds()
        self._seconds.at(event_spec(event).name).observe(max(0.0, seconds))  # the clock may have been set back
