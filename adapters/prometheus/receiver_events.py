"""Follows the receiver's connection."""

from adapters.prometheus.metrics import Metrics
from application.ports.receiver import Connected, Disconnected, IncomingEvent


class ReceiverEvents:
    """Observes the events of a receiver, which is not connected at first."""

    def __init__(self, metrics: Metrics) -> None:
        self._is_connected = False
        metrics.connected.at().get = lambda: self._is_connected
        self._disconnected = metrics.disconnected.at()
        self._disconnected.run()

    def observe(self, incoming: IncomingEvent) -> None:
        """The consumer gets this event."""
        match incoming.event:
            case Connected():
                self._is_connected = True
                self._disconnected.stop()
            case Disconnected():
                self._is_connected = False
                self._disconnected.run()
            case _:
                pass
