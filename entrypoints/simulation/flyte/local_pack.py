"""Packs that live in the process of the simulated Flyte, and need no network to take and answer actions."""

import asyncio
from collections.abc import Callable

from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.models import Action, Pack
from entrypoints.simulation.flyte.trace import ActionCreated, TraceEvent


class LocalPack:
    """A registered pack that takes each of its actions as soon as there is one, and hands it to `work`."""

    def __init__(self, flyte: Flyte, pack: Pack, handler: Callable[[Action], None]) -> None:
        self._flyte = flyte
        self._pack = pack
        self._handler = handler
        flyte.register(pack)
        flyte.listeners.append(self._on_trace_event)

    def complete(self, action: Action, event: str, payload: object) -> None:
        """Answer an action that was handed to `work`."""
        self._flyte.complete(action, self._pack, event, payload)

    def raise_event(self, event: str, payload: object) -> None:
        """Send an event of the pack's own accord."""
        self._flyte.raise_event(self._pack.name, event, payload, labels=self._pack.labels)

    def _on_trace_event(self, happening: TraceEvent) -> None:
        if isinstance(happening, ActionCreated) and happening.pack == self._pack.name:
            # Later: whoever listens must not change anything while the engine is at it.
            asyncio.get_running_loop().call_soon(self._take_all)

    def _take_all(self) -> None:
        while (action := self._flyte.take(self._pack)) is not None:
            self._handler(action)
