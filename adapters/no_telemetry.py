"""Telemetry for a pack without metrics."""

from typing import Final

from application.ports.telemetry import Occurrence


class NoTelemetry:
    """Counts nothing."""

    def note(self, occurrence: Occurrence) -> None:
        pass


NO_TELEMETRY: Final = NoTelemetry()
