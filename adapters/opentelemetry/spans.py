"""Spans, made so that no time remains unexplained."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

from adapters.opentelemetry.trace_parents import NOT_SAMPLED, SAMPLED, dump_trace_parent
from application.ports.clock import Clock

Attributes = Mapping[str, str]

_NAME: Final = "flyte-slack"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SHORT_WAIT: Final = 25_000_000
"""A shorter time, in nanoseconds, needs no span."""
_ERROR: Final = Status(StatusCode.ERROR)


class Span(ReadableSpan):
    """A span that is exported once it has ended."""

    _attributes: Attributes

    def __init__(
        self,
        context: SpanContext,
        parent: SpanContext | None,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        begun_at: int,
        resource: Resource,
        scope: InstrumentationScope,
    ) -> None:
        super().__init__(
            name, context, parent, resource, attributes, kind=kind, start_time=begun_at, instrumentation_scope=scope
        )
        self.begun_at = begun_at
        self.is_sampled = context.trace_flags is SAMPLED
        """Whether it is exported."""
        self.error = ""
        self.calls = 0
        """The number of calls in progress."""
        self.explained_until = begun_at
        """The time until which spans below this one cover it."""
        self.next_wait = "wait"
        """The name of the wait for time that no span covers yet."""

    @property
    def attributes(self) -> Attributes:
        """The attributes: ids and names."""
        return self._attributes

    @property
    def trace_parent(self) -> str:
        """The trace context for spans below it, as a W3C `traceparent`."""
        return dump_trace_parent(self.context)

    def describe(self, attributes: Attributes) -> None:
        """Replaces the attributes."""
        self._attributes = attributes

    def link(self, context: SpanContext) -> None:
        """Links a related span of another trace."""
        self._links = (Link(context),)

    def end(self, at: int, error: str) -> None:
        """Ends the span, which no longer changes; `error` is the reason why it failed, or empty."""
        self._end_time = max(at, self.begun_at)
        if error:
            self._status = _ERROR
            self._attributes = {**self.attributes, "error.type": error}


current: ContextVar[Span | None] = ContextVar("current span", default=None)
"""The span of the event or action that the task works on."""


def nanoseconds(time: datetime) -> int:
    """Returns a time in nanoseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND * 1000


class Tracer:
    """Makes spans, and hands them on once they have ended.

    They are made without the library's own Tracer, which takes ten times as long.
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
            flags = SAMPLED if sampling.decision is Decision.RECORD_AND_SAMPLE else NOT_SAMPLED
        context = SpanContext(trace_id, self._ids.generate_span_id(), is_remote=False, trace_flags=flags)
        if begun_at is None:
            begun_at = self.now()
        return Span(context, parent, name, kind, attributes, begun_at, self._resource, self._scope)

    def end(self, span: Span, error: str = "", *, ended_at: int | None = None) -> None:
        """Exports a span, which ends now unless another time is given; `error` is the reason why it failed."""
        if not span.is_sampled:
            return
        ended_at = self.now() if ended_at is None else ended_at
        if span.explained_until > span.begun_at:
            self.explain(span, ended_at)
        span.end(ended_at, error or span.error)
        for processor in self._processors:
            processor.on_end(span)

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
        """Exports the time since the last call below the span as waiting, unless it was short or a call goes on."""
        if not span.calls and self.add_wait(span.context, span.next_wait, span.explained_until, until):
            span.explained_until = until

    def expect(self, span: Span, wait: str) -> None:
        """Names the wait that begins now."""
        self.explain(span, self.now())
        span.next_wait = wait
