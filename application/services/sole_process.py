"""The parts of a storage that coordinate processes, for a storage that one process at a time can use."""

from datetime import datetime
from itertools import count

from application.ports.replicas import Replica
from domain.actions import ActionId
from domain.errors import LeaseLost
from domain.outbox import Lane, Lease


class SoleProcessLeases:
    """Implements Leases. The actions of a process wait for one another in ChannelLocks, in the order of recording."""

    def __init__(self) -> None:
        self._tokens = count(1)
        self._held: dict[Lane, int] = {}

    async def acquire(self, lane: Lane, action_id: ActionId | None = None) -> Lease | None:
        """Implements Leases."""
        del action_id
        self._held[lane] = next(self._tokens)
        return Lease(lane, self._held[lane])

    async def first(self, lane: Lane) -> ActionId | None:
        """Returns None: `acquire` refuses nothing here, so that there is nothing to wait for."""
        del lane
        return None

    async def check(self, lease: Lease) -> None:
        """Implements Leases."""
        if self._held.get(lease.lane) != lease.token:
            raise LeaseLost(lease.lane)

    async def release(self, lease: Lease) -> None:
        """Implements Leases."""
        if self._held.get(lease.lane) == lease.token:
            del self._held[lease.lane]


class SoleReplica:
    """Implements Replicas: there are no others."""

    async def announce(self, replica: Replica) -> list[Replica]:
        """Does nothing: there is no other process."""
        del replica
        return []

    async def others(self) -> list[Replica]:
        """Implements Replicas."""
        return []

    async def claim_for(self, team_id: str, bot_id: str) -> None:
        """Does nothing: any bot may continue with the data of another one."""

    async def note_connected(self, at: datetime) -> None:
        """Does nothing: the latest message of each channel is enough to find a gap."""

    async def connected_until(self) -> datetime | None:
        """Implements Replicas."""
        return None
