"""Joins what both ends tell into one story, in the order in which it happens."""

import asyncio
from collections import deque

from entrypoints.simulation.console.formatter import Narrator, Told
from entrypoints.simulation.console.output import Paper
from entrypoints.simulation.environment import Stage


class Story:
    """Hears of everything at once, and writes it down a moment later: whoever tells must not be held up."""

    def __init__(self, narrator: Narrator, paper: Paper) -> None:
        self._narrator = narrator
        self._paper = paper
        self._untold: deque[Told] = deque()
        self._news = asyncio.Event()

    def listen_to(self, stage: Stage) -> None:
        """Tell of this stage from now on."""
        stage.workspace.listeners.append(self.hear)
        stage.flyte.listeners.append(self.hear)

    def hear(self, told: Told) -> None:
        """Note that something happened."""
        self._untold.append(told)
        self._news.set()

    async def tell(self) -> None:
        """Write down what happens, without end. OSError when nobody reads any more."""
        while True:
            await self._news.wait()
            self._news.clear()
            self.tell_now()

    def tell_now(self) -> None:
        """Write down what has happened so far."""
        while self._untold:
            for line in self._narrator.lines(self._untold.popleft()):
                self._paper.write(line)
