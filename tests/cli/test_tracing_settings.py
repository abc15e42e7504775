"""Where traces go, by OpenTelemetry's own variables, and what is said of those that ask for too much."""

import sys

import pytest

from entrypoints.config.settings import Settings, load_settings
from entrypoints.container.daemon import Daemon
from entrypoints.container.tracing import NoTracing

REQUIRED = {"FLYTE_API": "http://localhost:8080", "FLYTE_SLACK_TOKEN": "token_abc"}
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


def load(**more: str) -> Settings:
    return load_settings({**REQUIRED, **more})


def warnings(**more: str) -> list[tuple[str, str]]:
    return [(warning.variable, warning.message) for warning in load(**more).warnings]


@pytest.mark.parametrize(
    ("variables", "exporters"),
    [
        ({}, ()),
        ({"OTEL_SERVICE_NAME": "slack"}, ()),
        (ENDPOINT, ("otlp",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ("otlp",)),
        ({"OTEL_TRACES_EXPORTER": "console"}, ("console",)),
        ({"OTEL_TRACES_EXPORTER": "otlp, console"}, ("otlp", "console")),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, ()),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "true"}, ()),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "false"}, ("otlp",)),
    ],
)
def test_traces_are_exported_only_if_a_variable_asks_for_it(
    variables: dict[str, str], exporters: tuple[str, ...]
) -> None:
    assert load(**variables).trace_exporters == exporters
    assert warnings(**variables) == []


def test_an_exporter_that_is_not_supported_is_left_out_with_a_warning() -> None:
    assert load(OTEL_TRACES_EXPORTER="zipkin,otlp").trace_exporters == ("otlp",)
    [(variable, message)] = warnings(OTEL_TRACES_EXPORTER="zipkin,otlp")
    assert variable == "OTEL_TRACES_EXPORTER"
    assert message == "'zipkin' is not supported; set it to otlp, console or none"


def test_a_protocol_that_is_not_supported_is_warned_of() -> None:
    [(variable, message)] = warnings(**ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert variable == "OTEL_EXPORTER_OTLP_PROTOCOL"
    assert "http/protobuf" in message


def test_nothing_is_traced_without_the_libraries_and_the_warning_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)

    assert load(**ENDPOINT).trace_exporters == ()
    [(variable, message)] = warnings(**ENDPOINT)
    assert variable == "OTEL_EXPORTER_OTLP_ENDPOINT"
    assert "pip install 'flyte-slack[tracing]'" in message


def test_nothing_is_asked_of_the_libraries_unless_traces_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    assert isinstance(Daemon(settings=load()).adapters.tracing(), NoTracing)


def test_a_payload_without_traces_is_warned_of() -> None:
    assert [variable for variable, _ in warnings(FLYTE_SLACK_TRACE_PAYLOAD="true")] == ["FLYTE_SLACK_TRACE_PAYLOAD"]
    assert warnings(FLYTE_SLACK_TRACE_PAYLOAD="no") == []
    assert warnings(FLYTE_SLACK_TRACE_PAYLOAD="true", **ENDPOINT) == []
