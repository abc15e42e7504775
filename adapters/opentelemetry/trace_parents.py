"""The trace context as text, in the form of the W3C's `traceparent`."""

import re
from typing import Final

from opentelemetry.trace import SpanContext, TraceFlags

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")

SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
NOT_SAMPLED: Final = TraceFlags(TraceFlags.DEFAULT)


def dump_trace_parent(context: SpanContext) -> str:
    """Returns the text for a span."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def load_trace_parent(text: str | None) -> SpanContext | None:
    """Returns the span that a text names, whoever wrote it; None if it names none."""
    found = _FORM.fullmatch(text) if text else None
    if found is None:
        return None
    trace_id, span_id, flags = found.groups()
    trace_flags = SAMPLED if int(flags, 16) & SAMPLED else NOT_SAMPLED
    context = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=trace_flags)
    return context if context.is_valid else None
