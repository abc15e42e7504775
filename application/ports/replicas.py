"""The processes that run a pack on one storage at the same time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Replica:
    """What one process tells the others about itself."""

    name: str
    """For operators, such as the name of its machine."""
    version: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """A digest of each setting that should be the same everywhere, by the name of its variable."""
    commands: Collection[str] = ()
    """The names of the commands that it can execute."""
    gone_seconds: float = 0.0
    """How long ago its heartbeat expired, or it ended; 0 while it is alive."""
    has_ended: bool = False
    """Whether it ended by closing the storage, instead of being lost with everything that it had not stored."""


class Replicas(Protocol):
    """Who else runs a pack on the storage. Part of a Storage, whose docstring applies."""

    async def announce(self, replica: Replica) -> list[Replica]:
        """Stores the description of this process, and returns `others`."""

    async def others(self) -> list[Replica]:
        """Returns the other processes that have announced themselves, and are alive or have gone in the last hour."""

    async def claim_for(self, team_id: str, bot_id: str) -> None:
        """Assigns the storage to a bot of a workspace. Raises StorageUnusable if it belongs to another one."""

    async def note_connected(self, at: datetime) -> None:
        """Records that this process receives events at this time, by the chat service's clock."""

    async def connected_until(self) -> datetime | None:
        """Returns the latest time at which any process received events; None if that was never recorded."""
