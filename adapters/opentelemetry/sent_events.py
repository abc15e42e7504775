"""Recent events and outcomes sent to the workflow engine, which actions may answer."""

from collections.abc import Mapping
from dataclasses import replace

from opentelemetry.trace import SpanContext

from adapters.opentelemetry.bounded_cache import BoundedCache
from adapters.opentelemetry.spans import Span
from adapters.opentelemetry.trace_parents import load_trace_parent
from application.log_context import cause_of
from domain.actions import Action


class SentEvents:
    """Recent events and outcomes by their spans, and messages by their keys."""

    def __init__(self, *, in_payload: bool) -> None:
        """`in_payload`: whether payloads carry the trace context."""
        self._in_payload = in_payload
        self._accepted_at: BoundedCache[int, int] = BoundedCache()
        """The times of acceptance by span id, in nanoseconds since 1970."""
        self._by_key: BoundedCache[str, SpanContext] = BoundedCache()
        self._keys: BoundedCache[int, str] = BoundedCache()
        """The keys of messages by span id."""

    def announcement(self, span: Span) -> Mapping[str, str]:
        """Returns the arguments that pass the trace context to flows; none if payloads are not to carry it."""
        return {"trace_parent": span.trace_parent} if self._in_payload else {}

    def add(self, span: Span, accepted_at: int, key: str = "") -> None:
        """The engine has accepted an event; `key` is that of a message."""
        self._accepted_at[span.context.span_id] = accepted_at
        if key:
            self._by_key[key] = span.context
            self._keys[span.context.span_id] = key

    def accepted_at(self, context: SpanContext) -> int | None:
        """Returns when the engine accepted the event of a span; None if this process did not send it lately."""
        return self._accepted_at.get(context.span_id)

    def with_cause(self, action: Action) -> Action:
        """Returns the action with the message from whose trace it comes as its cause, if that was sent recently."""
        parent = load_trace_parent(action.trace_parent)
        return replace(action, cause=self._keys.get(parent.span_id) or action.cause) if parent else action

    def answered_by(self, action: Action) -> SpanContext | None:
        """Returns the span of the message that an action answers, if it was sent lately."""
        return self._by_key.get(cause_of(action))
