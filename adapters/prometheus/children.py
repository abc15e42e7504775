"""The series of a metric, looked up once each: the library's own look-up takes longer than counting."""

from collections.abc import Iterable
from typing import Generic, TypeVar

from prometheus_client.metrics import MetricWrapperBase

M = TypeVar("M", bound=MetricWrapperBase)


class Children(Generic[M]):
    """The series of one metric by the values of its labels."""

    def __init__(self, metric: M, shown: Iterable[str | tuple[str, ...]]) -> None:
        """Those of `shown` are there from the beginning, the others once something has been counted."""
        self._metric = metric
        self._children: dict[tuple[str, ...], M] = {}
        for values in shown:
            self.get(*((values,) if isinstance(values, str) else values))

    def get(self, *values: str) -> M:
        """Returns the series with these values of the labels."""
        if (child := self._children.get(values)) is None:
            child = self._children[values] = self._metric.labels(*values)
        return child
