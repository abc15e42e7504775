"""Policy that keeps a process from acting in a lane that another one has taken over."""

from typing import Any

from application.ports.leases import Leases
from application.resilience.interception import PortCall
from domain.outbox import Lease


class LeaseCheck:
    """Looks before each request whether this process still has the lane. Raises LeaseLost."""

    def __init__(self, leases: Leases, lease: Lease) -> None:
        self._leases = leases
        self._lease = lease

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        await self._leases.check(self._lease)
        return await call.perform()
