"""OpenTelemetry's own variables, as far as the pack decides by them; its library reads them all."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Final

from entrypoints.config.issues import SettingIssue

EXPORTERS: Final = ("otlp", "console")
_EXPORTER: Final = "OTEL_TRACES_EXPORTER"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP: Final = "http/protobuf"
_OFF: Final = "none"
_LIBRARIES: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def trace_exporters(given: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the exporters of traces; none unless the variables name them and the libraries are installed."""
    return tuple(name for name in _wanted(given) if name in EXPORTERS) if _are_libraries_installed(given) else ()


def tracing_issues(given: Mapping[str, str], *, in_payload: bool) -> Iterator[SettingIssue]:
    """Yields a warning for each variable that asks for something unavailable; `in_payload`: traces in events are on."""
    wanted = _wanted(given)
    for name in wanted:
        if name not in EXPORTERS:
            yield SettingIssue(_EXPORTER, f"{name!r} is not supported; set it to {', '.join(EXPORTERS)} or {_OFF}")
    if wanted and not _are_libraries_installed(given):
        variable = next(name for name in (_EXPORTER, *_ENDPOINTS) if name in given)
        yield SettingIssue(variable, "nothing is traced, since that needs: pip install 'flyte-slack[tracing]'")
    for variable in _PROTOCOLS:
        if "otlp" in wanted and given.get(variable, _HTTP) != _HTTP:
            yield SettingIssue(variable, f"has no effect: traces are exported by {_HTTP}, commonly to port 4318")
    if in_payload and not wanted:
        message = "adds nothing to events, because nothing is traced: set OTEL_EXPORTER_OTLP_ENDPOINT"
        yield SettingIssue("FLYTE_SLACK_TRACE_PAYLOAD", message)


def _wanted(given: Mapping[str, str]) -> list[str]:
    """Returns the names of exporters, known or not."""
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    default = "otlp" if any(name in given for name in _ENDPOINTS) else _OFF
    names = [name.strip() for name in given.get(_EXPORTER, default).split(",")]
    return [] if _OFF in names else list(dict.fromkeys(filter(None, names)))


def _are_libraries_installed(given: Mapping[str, str]) -> bool:
    """Looks only if they are wanted."""
    try:
        return bool(_wanted(given)) and all(find_spec(library) for library in _LIBRARIES)
    except ModuleNotFoundError:
        return False
