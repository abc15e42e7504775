"""The chat service for work that another process may take over while its requests are repeated."""

from application.ports.chat import Chat
from application.ports.leases import Leases
from application.resilience.interception import Policy, intercepted
from application.resilience.lease_check import LeaseCheck
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
        return intercepted(intercepted(self._chat, LeaseCheck(self._leases, lease)), self._retries)
