"""The exporters of spans, configured by OpenTelemetry's own variables."""

import os
import socket
from collections.abc import Collection
from typing import Final

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

_NAME: Final = "flyte-slack"


def new_processors(exporters: Collection[str]) -> list[SpanProcessor]:
    """Returns processors that export spans in batches, to a collector (`otlp`) or to standard output (`console`)."""
    return [BatchSpanProcessor(_exporter(name)) for name in exporters]


class _Resource(Resource):
    """A resource whose hash, which exporters ask for with every span, is computed once."""

    def __init__(self, resource: Resource) -> None:
        super().__init__({**resource.attributes})
        self._hash = super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return other is self


def resource_of(version: str) -> Resource:
    """Returns the resource of the spans. The variables of OpenTelemetry add attributes and take precedence."""
    instance = f"{socket.gethostname()}-{os.getpid()}"  # as in the list of replicas
    own = Resource.create({"service.name": _NAME, "service.version": version, "service.instance.id": instance})
    return _Resource(own.merge(OTELResourceDetector().detect()))


def _exporter(name: str) -> SpanExporter:
    if name == "console":
        return ConsoleSpanExporter(formatter=line_of)
    from adapters.opentelemetry.otlp import OtlpExporter  # noqa: PLC0415 - its libraries take 100 ms

    return OtlpExporter()


def line_of(span: ReadableSpan) -> str:
    """Returns a span as a line of JSON."""
    return f"{span.to_json(indent=None)}\n"
