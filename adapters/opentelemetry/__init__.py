"""Traces through OpenTelemetry: policies around ports, applied only where tracing is switched on."""
