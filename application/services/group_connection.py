"""Tracks whether at least one replica was connected at all times, however often single ones lost their connection."""

from datetime import datetime, timedelta

from application.ports.chat import Chat
from application.ports.storage import Storage
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.services.replica_group import ReplicaGroup

_NOTE_SECONDS = 5.0
_FRESH = timedelta(seconds=3 * _NOTE_SECONDS)
"""A replica whose latest note is older may be gone. The chat service itself repeats what came since then."""


class GroupConnection:
    """Tells the other replicas until when this one was connected, and learns the same of them."""

    def __init__(self, chat: Chat, storage: Storage, replicas: ReplicaGroup, shutdown: Shutdown) -> None:
        self._chat = chat
        self._storage = storage
        self._replicas = replicas
        self._shutdown = shutdown
        self._is_connected = False
        self._noted_at: datetime | None = None

    async def on_connected(self) -> None:
        """The pack receives events, and knows of those that it has missed."""
        self._is_connected = True
        await self._note()

    def on_disconnected(self) -> None:
        """The pack receives no events."""
        self._is_connected = False

    async def has_lasted(self) -> bool:
        """Whether another replica receives events, as far as its latest note tells."""
        if self._replicas.is_alone:
            return False
        until = await self._storage.replicas.connected_until()
        if until is None or (self._noted_at is not None and until <= self._noted_at):
            return False
        return self._chat.now() - until < _FRESH

    async def run(self) -> None:
        """Notes periodically that the pack is connected. Returns at the end, or if there can be no others."""
        try:
            while self._storage.describe().is_shared:
                await self._shutdown.sleep(_NOTE_SECONDS)
                if self._is_connected:
                    await self._note()
        except ShutdownRequested:
            return

    async def _note(self) -> None:
        self._noted_at = self._chat.now()
        await self._storage.replicas.note_connected(self._noted_at)
