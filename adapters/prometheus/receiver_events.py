"""Follows the receiver's connection."""

from adapters.prometheus.metrics import Metrics
from adapters.prometheus.stopwatch import Stopwatch
from application.ports.receiver import Connected, Disconnected, IncomingEvent


class ReceiverEvents:
    """Observes the events of a receiver, which is not connected at first."""

    def __init__(self, metrics: Metrics, stopwatch: Stopwatch) -> None:
        self._connected = metrics.receiver_connected
        self._disconnected = stopwatch
        self._disconnected.run()
        metrics.add_seconds(
            "receiver_disconnected", "For how long no events of Slack could arrive.", "", {"": stopwatch}
        )

    def observe(self, incoming: IncomingEvent) -> None:
        """The consumer gets this event."""
        match incoming.event:
            case Connected():
                self._connected.set(1)
                self._disconnected.stop()
            case Disconnected():
                self._connected.set(0)
                self._disconnected.run()
            case _:
                pass
