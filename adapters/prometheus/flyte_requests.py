"""Counts the requests to Flyte, and measures the delivery of events."""

from collections.abc import Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

from adapters.prometheus.children import Children
from adapters.prometheus.metrics import Metrics
from application.catalog.events import event_spec
from application.ports.clock import Clock
from application.resilience.interception import PortCall
from application.resilience.observation import Observe
from domain.errors import WorkflowInDoubt
from domain.outbox import InboundEvent, OutboxEntry

_UNREACHABLE: Final = "unreachable"
_IN_DOUBT: Final = "in_doubt"
_ALWAYS_SHOWN: Final = {
    "register": ("401", "403"),
    "take": ("200", "204", "401", "403"),
    "publish": ("202", "401", "403"),
    "complete": ("202", "401", "403"),
}

_call: ContextVar[str] = ContextVar("call", default="other")
"""The method of the port that makes the request."""


class WorkflowCalls:
    """Policy around the workflow port: names the call for its requests, and measures the delivery of events."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._clock = clock
        self._delivery = Children(metrics.delivery, ["ReceivedMessage"])

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        token = _call.set(call.method)
        try:
            result = await call.perform()
        finally:
            _call.reset(token)
        if call.method == "publish":
            event, received_at = call.arguments
            self._on_delivered(event.event, received_at)
        elif call.method == "were_published":
            self._on_found(call.arguments[0], result)
        return result

    def _on_found(self, entries: Sequence[OutboxEntry], found: Sequence[bool]) -> None:
        for entry, is_delivered in zip(entries, found, strict=True):
            if is_delivered:
                self._on_delivered(entry.event, entry.received_at)

    def _on_delivered(self, event: InboundEvent, received_at: datetime) -> None:
        seconds = (self._clock.now() - received_at).total_seconds()
        self._delivery.get(event_spec(event).name).observe(max(0.0, seconds))  # the clock may have been set back


class FlyteRequests:
    """Observes Flyte's HTTP client, within WorkflowCalls."""

    def __init__(self, metrics: Metrics) -> None:
        shown = [
            (call, status)
            for call, statuses in _ALWAYS_SHOWN.items()
            for status in (*statuses, _UNREACHABLE, _IN_DOUBT)
        ]
        self._counts = Children(metrics.flyte_requests, shown)

    def observer_of(self, name: str) -> Observe | None:
        """Implements ObserverOf."""
        return self._observe if name in ("get", "post") else None

    def _observe(self, _arguments: tuple[Any, ...], _seconds: float, result: Any, error: Exception | None) -> None:
        if error is not None:
            status = _IN_DOUBT if isinstance(error, WorkflowInDoubt) else _UNREACHABLE
        else:
            status = str(int(result.status))
        self._counts.get(_call.get(), status).inc()
