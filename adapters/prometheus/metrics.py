"""The pack's metrics. docs/operators.md lists them; names and labels are public."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from adapters.prometheus.stopwatch import Stopwatch

_NAMESPACE: Final = "flyte_slack"

# In seconds.
_REQUEST_BUCKETS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_COMMIT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_PATH_BUCKETS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)


class Metrics:
    """All metrics, in a registry of their own. No label ever holds a channel, a user or a text."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # a series of each series' creation, which few need
        self.registry = registry = CollectorRegistry()
        counter = partial(Counter, namespace=_NAMESPACE, registry=registry)
        gauge = partial(Gauge, namespace=_NAMESPACE, registry=registry)
        histogram = partial(Histogram, namespace=_NAMESPACE, registry=registry)

        self.build = Info("build", "The version that runs.", namespace=_NAMESPACE, registry=registry)

        self.arrivals = counter("arrivals", "What arrived from Slack.", ("kind", "result"))
        self.outbox_entries = gauge("outbox_entries", "Events on their way to Flyte.", ("state",))
        self.outbox_oldest = gauge("outbox_oldest_seconds", "How long the oldest event has waited.")
        self.delivery = histogram(
            "event_delivery_seconds", "From the arrival to Flyte's 202.", ("event",), buckets=_PATH_BUCKETS
        )
        self.actions = counter("actions", "Actions that have ended.", ("command", "outcome"))
        self.action = histogram(
            "action_seconds", "From taking an action to answering it.", ("command",), buckets=_PATH_BUCKETS
        )
        self.journal_entries = gauge("journal_entries", "Actions without an answer.", ("state",))
        self.journal_oldest = gauge("journal_oldest_seconds", "How long the oldest action has waited.")

        self.slack_requests = counter("slack_requests", "Requests to Slack.", ("method", "code"))
        self.slack_request = histogram(
            "slack_request_seconds", "The time of a request to Slack.", ("method",), buckets=_REQUEST_BUCKETS
        )
        self.flyte_requests = counter("flyte_requests", "Requests to Flyte.", ("call", "status"))

        self.receiver_connected = gauge("receiver_connected", "1 while events of Slack can arrive, otherwise 0.")
        self.receiver_reconnects = counter("receiver_reconnects", "Sockets that had to be replaced.", ("reason",))
        self.backfill_channels = gauge("backfill_channels", "Channels whose history is still to be read.")

        self.doubts = counter("doubts", "Requests to Slack whose answer was lost.", ("resolution",))
        self.windows = counter("windows", 'Situations in which "exactly once" is impossible.', ("window",))

        self.storage_commit = histogram(
            "storage_commit_seconds", "From a write to the storage until it is safe.", buckets=_COMMIT_BUCKETS
        )
        self.storage_errors = counter("storage_errors", "Calls of the storage that failed.")
        self.clock_skew = gauge("clock_skew_seconds", "How far this machine's clock is ahead of another.", ("peer",))
        ProcessCollector(registry=registry)

    def add_seconds(self, name: str, explanation: str, label: str, stopwatches: Mapping[str, Stopwatch]) -> None:
        """Adds a counter of seconds that grows while time passes, with a label for each stopwatch."""
        self.registry.register(_Seconds(f"{_NAMESPACE}_{name}_seconds", explanation, label, stopwatches))


class _Seconds(Collector):
    def __init__(self, name: str, explanation: str, label: str, stopwatches: Mapping[str, Stopwatch]) -> None:
        self._family = partial(CounterMetricFamily, name, explanation, labels=[label] if label else [])
        self._stopwatches = stopwatches

    def describe(self) -> Iterable[Any]:
        return [self._family()]

    def collect(self) -> Iterator[Any]:
        family = self._family()
        for value, stopwatch in self._stopwatches.items():
            family.add_metric([value] if value else [], stopwatch.seconds)
        yield family
