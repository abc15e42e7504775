"""A place in a trace as text, in the form of the W3C's `traceparent`."""

import re

from opentelemetry.trace import SpanContext, TraceFlags

_FORM = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


def dump_trace_parent(context: SpanContext) -> str:
    """Returns the text for a span."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def load_trace_parent(text: str | None) -> SpanContext | None:
    """Returns the span that a text names, whoever wrote it; None if it names none."""
    found = _FORM.fullmatch(text) if text else None
    if found is None:
        return None
    trace_id, span_id, flags = (int(digits, 16) for digits in found.groups()[:3])
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags & TraceFlags.SAMPLED))
    return context if context.is_valid else None
