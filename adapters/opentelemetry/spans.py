"""Spans, made so that no time remains unexplained."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from adapters.opentelemetry.trace_parents import dump_trace_parent
from application.ports.clock import Clock

Attributes = Mapping[str, str]

_NAME: Final = "flyte-slack"
_SHORT_WAIT: Final = 25_000_000
"""Nanoseconds that need no explanation."""
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_NOT_SAMPLED: Final = TraceFlags(TraceFlags.DEFAULT)
_UNSET: Final = Status(StatusCode.UNSET)
_ERROR: Final = Status(StatusCode.ERROR)


class Span:
    """Something that takes time, and has not ended."""

    __slots__ = (
        "attributes",
        "begun_at",
        "calls",
        "context",
        "error",
        "explained_until",
        "kind",
        "links",
        "name",
        "next_wait",
        "parent",
    )

    def __init__(
        self,
        context: SpanContext,
        parent: SpanContext | None,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        begun_at: int,
    ) -> None:
        self.context = context
        self.parent = parent
        self.name = name
        self.kind = kind
        self.attributes = attributes
        self.begun_at = begun_at
        self.links: tuple[SpanContext, ...] = ()
        """Spans of other traces that it has to do with."""
        self.error = ""
        self.calls = 0
        """That are in progress."""
        self.explained_until = begun_at
        """Spans below this one tell what happened until then."""
        self.next_wait = "wait"
        """The name of the time that is not explained yet."""

    @property
    def is_sampled(self) -> bool:
        """Whether it is exported."""
        return bool(self.context.trace_flags & TraceFlags.SAMPLED)

    @property
    def trace_parent(self) -> str:
        """Where the trace goes on after it."""
        return dump_trace_parent(self.context)


current: ContextVar[Span | None] = ContextVar("current span", default=None)
"""What the task works on."""


def nanoseconds(time: datetime) -> int:
    """Returns a time in nanoseconds since 1970."""
    return round(time.timestamp() * 1_000_000) * 1000


class Tracer:
    """Makes spans, and hands them on once they have ended.

    Spans are built without the library's own Tracer, which takes ten times as long.
    """

    def __init__(
        self, provider: TracerProvider, processors: Sequence[SpanProcessor], clock: Clock, version: str
    ) -> None:
        self._processors = processors
        self._sampler = provider.sampler
        self._ids = provider.id_generator
        self._resource = provider.resource
        self._scope = InstrumentationScope(_NAME, version)
        self._clock = clock

    def now(self) -> int:
        """Returns the time by the pack's clock, in nanoseconds since 1970."""
        return nanoseconds(self._clock.now())

    def begin(
        self,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        parent: SpanContext | None = None,
        begun_at: int | None = None,
    ) -> Span:
        """Returns a new span; without a parent, that of a new trace. It begins now, unless that is given."""
        if parent is not None:
            trace_id, flags = parent.trace_id, parent.trace_flags
        else:
            trace_id = self._ids.generate_trace_id()
            sampling = self._sampler.should_sample(None, trace_id, name, kind, attributes)
            flags = _SAMPLED if sampling.decision is Decision.RECORD_AND_SAMPLE else _NOT_SAMPLED
        context = SpanContext(trace_id, self._ids.generate_span_id(), is_remote=False, trace_flags=flags)
        return Span(context, parent, name, kind, attributes, self.now() if begun_at is None else begun_at)

    def end(self, span: Span, error: str = "", *, ended_at: int | None = None) -> None:
        """Exports a span, which ends now unless another time is given; `error` is the reason why it failed."""
        if not span.is_sampled:
            return
        ended_at = self.now() if ended_at is None else ended_at
        if span.explained_until > span.begun_at:
            self.explain(span, ended_at)
        error = error or span.error
        ended = ReadableSpan(
            span.name,
            span.context,
            span.parent,
            self._resource,
            {**span.attributes, "error.type": error} if error else span.attributes,
            (),
            [Link(context) for context in span.links],
            span.kind,
            instrumentation_scope=self._scope,
            status=_ERROR if error else _UNSET,
            start_time=span.begun_at,
            end_time=max(ended_at, span.begun_at),
        )
        for processor in self._processors:
            processor.on_end(ended)

    def add(
        self,
        parent: SpanContext,
        name: str,
        begun_at: int,
        ended_at: int,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes | None = None,
        error: str = "",
    ) -> None:
        """Exports a span that has ended."""
        self.end(self.begin(name, kind, attributes or {}, parent, begun_at), error, ended_at=ended_at)

    def add_wait(self, parent: SpanContext, name: str, begun_at: int, ended_at: int) -> bool:
        """Exports time spent in waiting, unless it was short. Returns whether it did."""
        is_worth_it = ended_at - begun_at >= _SHORT_WAIT
        if is_worth_it:
            self.add(parent, name, begun_at, ended_at)
        return is_worth_it

    def explain(self, span: Span, until: int) -> None:
        """Exports the time since the last call below the span as waiting, unless it was short or another goes on."""
        if not span.calls and self.add_wait(span.context, span.next_wait, span.explained_until, until):
            span.explained_until = until

    def expect(self, span: Span, wait: str) -> None:
        """What follows is waiting of this name."""
        self.explain(span, self.now())
        span.next_wait = wait
