"""Spans that a pack has exported to a file, and what they tell."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from adapters.opentelemetry.exporting import line_of


@dataclass(frozen=True, slots=True)
class TracedSpan:
    """A span as it was exported."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for the first of a trace."""
    begun_at: datetime
    ended_at: datetime
    attributes: dict[str, Any]
    links: tuple[str, ...]
    """The ids of the spans that it names."""

    @property
    def seconds(self) -> float:
        return (self.ended_at - self.begun_at).total_seconds()


class SpanFile:
    """A file of spans, one a line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+")
        self.processor = SimpleSpanProcessor(ConsoleSpanExporter(out=self._file, formatter=line_of))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def text(self) -> str:
        """Returns the content of the file."""
        self._file.seek(0)
        return self._file.read()

    def spans(self) -> list[TracedSpan]:
        """Returns the spans in the order of their beginning."""
        spans = [_span(json.loads(line)) for line in self.text().splitlines()]
        return sorted(spans, key=lambda span: (span.begun_at, -span.seconds))

    def named(self, name: str) -> list[TracedSpan]:
        """Returns the spans of this name, in the order of their beginning."""
        return [span for span in self.spans() if span.name == name]


def unexplained(spans: Sequence[TracedSpan]) -> timedelta:
    """Returns the longest time for which none of the spans tells what happened.

    A span with others below it tells nothing besides them.
    """
    parents = {span.parent_id for span in spans}
    longest, end = timedelta(), min(span.begun_at for span in spans)
    for span in sorted(spans, key=lambda span: span.begun_at):
        if span.span_id not in parents:
            longest = max(longest, span.begun_at - end)
            end = max(end, span.ended_at)
    return max(longest, max(span.ended_at for span in spans) - end)


def tree(spans: Sequence[TracedSpan]) -> list[str]:
    """Returns the names, each indented below its parent, in the order of their beginning."""
    return list(_below(spans, "", 0))


def _below(spans: Sequence[TracedSpan], parent_id: str, depth: int) -> Iterator[str]:
    for span in spans:
        if span.parent_id == parent_id:
            yield f"{'  ' * depth}{span.name}"
            yield from _below(spans, span.span_id, depth + 1)


def _span(record: dict[str, Any]) -> TracedSpan:
    context = record["context"]
    return TracedSpan(
        name=record["name"],
        kind=record["kind"].partition(".")[2],
        trace_id=context["trace_id"],
        span_id=context["span_id"],
        parent_id=record["parent_id"] or "",
        begun_at=datetime.fromisoformat(record["start_time"]),
        ended_at=datetime.fromisoformat(record["end_time"]),
        attributes=record["attributes"],
        links=tuple(link["context"]["span_id"] for link in record["links"]),
    )
