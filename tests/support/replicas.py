"""Several packs on one storage, in memory and in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Any

from adapters.memory.receiver import MemoryReceiver
from application.resilience.interception import InterceptedStorage, intercepted
from domain.commands import Command
from domain.events import Event
from entrypoints.config.settings import Settings
from entrypoints.container.adapters import FixedAdapters
from entrypoints.container.application import Application
from tests.support.environment import DEFAULTS, World, no_flows
from tests.support.faults import Faults
from tests.support.shared_memory import SharedMemory

LEASE_SECONDS = 20
_SHUTDOWN_SECONDS = 5


class RunningReplica:
    """One of the packs."""

    def __init__(
        self, world: "ReplicatedWorld", settings: Settings, version: str, commands: Collection[str] | None
    ) -> None:
        self.faults = Faults()
        """Around the ports of this replica alone."""
        self.receiver = MemoryReceiver(world.chat, world.pack_clock)
        self.storage = world.shared.process()
        adapters = FixedAdapters(
            clock=world.pack_clock,
            storage=InterceptedStorage(self.storage, self.faults),
            chat=intercepted(intercepted(world.chat, world.faults), self.faults),
            receiver=self.receiver,
            workflow=intercepted(intercepted(world.engine, world.faults), self.faults),
        )
        self.application: Any = Application(settings=settings, adapters=adapters)
        self.application.version.override(version)
        if commands is not None:
            self.application.known_commands.override(commands)
        self._world = world
        self._running: asyncio.Task[None] | None = None

    def status(self, check: str) -> str:
        """Returns what the replica reports of one of its parts."""
        status: str = self.application.health().checks()[check].status
        return status

    async def kill(self) -> None:
        """Ends the process, whatever it is doing: the others learn of it when its leases have expired."""
        self.storage.is_killed = True
        self._world.chat.listeners.remove(self.receiver.deliver)
        await self._end()

    @asynccontextmanager
    async def run(self) -> AsyncIterator["RunningReplica"]:
        """Runs the pack; at the end it is asked to shut down, unless it was killed."""
        async with self.storage.open():
            self._running = asyncio.create_task(self.application.supervisor().run(), name="pack")
            try:
                await self._world.clock.settle()
                yield self
                self.application.shutdown().request()
                async with asyncio.timeout(_SHUTDOWN_SECONDS):
                    await asyncio.wait([self._running])
            finally:
                await self._end()

    async def _end(self) -> None:
        assert self._running
        self._running.cancel()
        await asyncio.wait([self._running])
        if not self._running.cancelled():
            self._running.result()


class ReplicatedWorld(World):
    """Chat, engine and storage, and the packs that share them. Each of them hears everything."""

    def __init__(self, flows: Callable[[Event], Iterable[Command]] = no_flows) -> None:
        super().__init__(flows)
        self.shared = SharedMemory(self.pack_clock, LEASE_SECONDS)
        self.storage = self.shared.storage
        self.chat.listeners.remove(self.receiver.deliver)

    def replica(
        self, settings: Settings = DEFAULTS, *, version: str = "1.0", commands: Collection[str] | None = None
    ) -> RunningReplica:
        """Returns a pack that has not started yet, and that tells the others of these commands (None: its own)."""
        return RunningReplica(self, settings, version, commands)
