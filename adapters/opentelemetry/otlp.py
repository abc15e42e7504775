"""Exports spans by OTLP."""

from collections.abc import Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext

_IS_KNOWN_WHETHER_REMOTE: Final = 0x100
_IS_REMOTE: Final = 0x200


class OtlpExporter(OTLPSpanExporter):
    """The library's exporter, with an encoder that takes a quarter of the time of the library's."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Implements SpanExporter."""
        is_taken = self._client.export(request_with(spans).SerializeToString()).success
        return SpanExportResult.SUCCESS if is_taken else SpanExportResult.FAILURE


def request_with(spans: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
    """Returns the request that exports one or more spans, all of the same resource and scope.

    Their attributes are texts, and they have no events. Each is built where it belongs in the request, because messages
    of Protocol Buffers are copied when they are put into others.
    """
    request = encode_spans(spans[:1])
    encoded = request.resource_spans[0].scope_spans[0].spans
    for span in spans[1:]:
        context, parent = span.context, span.parent
        one = encoded.add(
            trace_id=context.trace_id.to_bytes(16),
            span_id=context.span_id.to_bytes(8),
            parent_span_id=parent.span_id.to_bytes(8) if parent else b"",
            flags=_flags(parent),
            name=span.name,
            kind=span.kind.value + 1,
            start_time_unix_nano=span.start_time,
            end_time_unix_nano=span.end_time,
        )
        one.status.code = span.status.status_code.value
        for key, value in (span.attributes or {}).items():
            one.attributes.add(key=key).value.string_value = str(value)
        for link in span.links:
            other = link.context
            one.links.add(trace_id=other.trace_id.to_bytes(16), span_id=other.span_id.to_bytes(8), flags=_flags(other))
    return request


def _flags(context: SpanContext | None) -> int:
    return _IS_KNOWN_WHETHER_REMOTE | (_IS_REMOTE if context and context.is_remote else 0)
