"""The chat service for work that another process may take over while its requests are repeated."""

from typing import Any

from application.ports.chat import Chat
from application.ports.leases import Leases
from application.resilience.interception import Policy, PortCall, intercepted
from domain.outbox import Lease


class LeasedChats:
    """Makes chat services that look at a lease before each request."""

    def __init__(self, chat: Chat, retries: Policy, leases: Leases) -> None:
        """`chat` repeats nothing itself; `retries` repeats its requests."""
        self._chat = chat
        self._retries = retries
        self._leases = leases

    def under(self, lease: Lease) -> Chat:
        """Returns the chat service, whose requests raise LeaseLost once the lease is lost, also when repeated."""
        return intercepted(intercepted(self._chat, _LeaseCheck(self._leases, lease)), self._retries)


class _LeaseCheck:
    def __init__(self, leases: Leases, lease: Lease) -> None:
        self._leases = leases
        self._lease = lease

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        await self._leases.check(self._lease)
        return await call.perform()
