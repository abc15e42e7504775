"""Joins what both ends tell into one story, in the order in which it happens."""

import asyncio
from collections import deque

from entrypoints.simulation.console.formatter import EventFormatter, OutputEvent
from entrypoints.simulation.console.output import Output
from entrypoints.simulation.environment import Sandbox


class EventPrinter:
    """Hears of everything at once, and writes it down a moment later: whoever tells must not be held up."""

    def __init__(self, narrator: EventFormatter, paper: Output) -> None:
        self._narrator = narrator
        self._paper = paper
        self._untold: deque[OutputEvent] = deque()
        self._news = asyncio.Event()

    def subscribe(self, stage: Sandbox) -> None:
        """Tell of this stage from now on."""
        stage.workspace.listeners.append(self.put)
        stage.flyte.listeners.append(self.put)

    def put(self, told: OutputEvent) -> None:
        """Note that something happened."""
        self._untold.append(told)
        self._news.set()

    async def run(self) -> None:
        """Write down what happens, without end. OSError when nobody reads any more."""
        while True:
            await self._news.wait()
            self._news.clear()
            self.flush()

    def flush(self) -> None:
        """Write down what has happened so far."""
        while self._untold:
            for line in self._narrator.format(self._untold.popleft()):
                self._paper.write(line)
