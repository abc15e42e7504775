"""Spans as they go to a collector."""

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from adapters.opentelemetry.otlp import request_with

RESOURCE = Resource({"service.name": "flyte-slack", "process.pid": 1})
SCOPE = InstrumentationScope("flyte-slack", "1.0")
ATTRIBUTES = {"messaging.system": "slack", "messaging.message.id": "C1:1.2", "messaging.destination.name": "Café"}


def context(*, span_id: int = 2, is_remote: bool = False) -> SpanContext:
    return SpanContext(2**127 + 1, span_id, is_remote=is_remote, trace_flags=TraceFlags(1))


def span(
    name: str = "send ReceivedMessage",
    parent: SpanContext | None = None,
    kind: SpanKind = SpanKind.PRODUCER,
    links: tuple[SpanContext, ...] = (),
    status: StatusCode = StatusCode.UNSET,
) -> ReadableSpan:
    return ReadableSpan(
        name,
        context(),
        parent,
        RESOURCE,
        ATTRIBUTES,
        kind=kind,
        links=[Link(link) for link in links],
        status=Status(status),
        start_time=1_700_000_000_000_000_000,
        end_time=1_700_000_000_000_000_001,
        instrumentation_scope=SCOPE,
    )


@pytest.mark.parametrize(
    "other",
    [
        *(span(kind=kind) for kind in SpanKind),
        span(parent=context(span_id=2**63)),
        span(parent=context(span_id=1, is_remote=True)),
        span(links=(context(span_id=3), context(span_id=4, is_remote=True))),
        span(status=StatusCode.ERROR),
    ],
)
def test_spans_are_encoded_as_the_library_does_it(other: ReadableSpan) -> None:
    spans = [span("first"), other, span("last")]

    assert request_with(spans) == encode_spans(spans)
