"""Shows the metrics in the formats of Prometheus, by its own library."""

import platform
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, Final

from prometheus_client import CollectorRegistry, Info, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from adapters.prometheus.metrics import Metrics
from adapters.prometheus.numbers import Durations, Gauge, Metric

_NAMESPACE: Final = "flyte_slack"


class Exposition(Collector):
    """The metrics of one pack and of its process, in a registry of their own."""

    def __init__(self, metrics: Metrics, version: str) -> None:
        self._metrics = metrics
        self._registry = CollectorRegistry()
        build = Info("build", "The version that runs.", namespace=_NAMESPACE, registry=self._registry)
        build.info({"version": version, "python": platform.python_version()})
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Returns the text in the format that the header `Accept` prefers, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def describe(self) -> Iterable[Any]:
        """Names nothing: no other collector has such names."""
        return []

    def collect(self) -> Iterator[Any]:
        """Yields each metric with its series."""
        for metric in vars(self._metrics).values():
            yield _family(metric)


def _family(metric: Metric[Any]) -> Any:
    name, labels = f"{_NAMESPACE}_{metric.name}", metric.labels
    match metric.new():
        case Gauge():
            gauges = GaugeMetricFamily(name, metric.explanation, labels=labels)
            for values, gauge in metric.series():
                gauges.add_metric(values, gauge.get())
            return gauges
        case Durations():
            histogram = HistogramMetricFamily(name, metric.explanation, labels=labels)
            for values, durations in metric.series():
                histogram.add_metric(values, _buckets(durations), durations.sum)
            return histogram
        case _:
            counters = CounterMetricFamily(name, metric.explanation, labels=labels)
            for values, counter in metric.series():
                counters.add_metric(values, counter.value)
            return counters


def _buckets(durations: Durations) -> list[Any]:
    bounds = (*map(str, durations.bounds), "+Inf")
    return list(zip(bounds, accumulate(durations.counts), strict=True))
