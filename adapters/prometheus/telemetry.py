"""Counts what no call of a port tells."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import Counter

from adapters.prometheus.metrics import Metrics
from adapters.prometheus.outbox_calls import kind_label
from application.ports.telemetry import (
    ArrivalDropped,
    ArrivalIgnored,
    Occurrence,
    Reconnection,
    Resolution,
    Window,
)
from domain.outbox import EventKind

_IGNORED: Final = "ignored"
_DROPPED: Final = "dropped"


class PrometheusTelemetry:
    """Telemetry in counters."""

    def __init__(self, metrics: Metrics) -> None:
        self._children = _children(metrics)

    def note(self, occurrence: Occurrence) -> None:
        self._children[occurrence].inc()


def _children(metrics: Metrics) -> Mapping[Occurrence, Counter]:
    interactions = [kind for kind in EventKind if kind.is_interaction]
    return {
        **{each: metrics.doubts.labels(each.value) for each in Resolution},
        **{each: metrics.windows.labels(each.value) for each in Window},
        **{each: metrics.receiver_reconnects.labels(each.value) for each in Reconnection},
        **{ArrivalIgnored(kind): metrics.arrivals.labels(kind_label(kind), _IGNORED) for kind in EventKind},
        **{ArrivalDropped(kind): metrics.arrivals.labels(kind_label(kind), _DROPPED) for kind in interactions},
    }
