"""Counts occurrences that no call of a port reveals."""

from collections.abc import Mapping
from typing import Final

from adapters.prometheus.metrics import Metrics
from adapters.prometheus.numbers import Count
from adapters.prometheus.outbox_calls import kind_label
from application.ports.telemetry import (
    ArrivalDropped,
    ArrivalIgnored,
    Failure,
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


def _children(metrics: Metrics) -> Mapping[Occurrence, Count]:
    interactions = [kind for kind in EventKind if kind.is_interaction]
    return {
        **{each: metrics.doubts.at(each.value) for each in Resolution},
        **{each: metrics.windows.at(each.value) for each in Window},
        **{each: metrics.reconnects.at(each.value) for each in Reconnection},
        Failure.STORAGE: metrics.storage_errors.at(),
        **{ArrivalIgnored(kind): metrics.arrivals.at(kind_label(kind), _IGNORED) for kind in EventKind},
        **{ArrivalDropped(kind): metrics.arrivals.at(kind_label(kind), _DROPPED) for kind in interactions},
    }
