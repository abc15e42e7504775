"""A pack in the process of the simulated Flyte, which takes and completes actions without a network."""

import asyncio
from collections.abc import Callable

from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.models import Action, Pack
from entrypoints.simulation.flyte.trace import ActionCreated, TraceEvent


class LocalPack:
    """A registered pack that takes each of its actions as soon as it is queued, and passes it to `handler`."""

    def __init__(self, flyte: Flyte, pack: Pack, handler: Callable[[Action], None]) -> None:
        self._flyte = flyte
        self._pack = pack
        self._handler = handler
        flyte.register(pack)
        flyte.listeners.append(self._on_trace_event)
        asyncio.get_running_loop().call_soon(self._take_all)

    def unregister(self) -> None:
        """Takes no further action; those that were passed to `handler` can still be completed."""
        self._flyte.listeners.remove(self._on_trace_event)
        self._flyte.unregister(self._pack)

    def complete(self, action: Action, event: str, payload: object) -> None:
        """Completes an action that was passed to `handler`."""
        self._flyte.complete(action, self._pack, event, payload)

    def raise_event(self, event: str, payload: object) -> None:
        """Publishes an event."""
        self._flyte.raise_event(self._pack.name, event, payload, labels=self._pack.labels)

    def _on_trace_event(self, event: TraceEvent) -> None:
        if isinstance(event, ActionCreated) and event.pack == self._pack.name:
            # Listeners must not change the engine.
            asyncio.get_running_loop().call_soon(self._take_all)

    def _take_all(self) -> None:
        while (action := self._flyte.take(self._pack)) is not None:
            self._handler(action)
