"""What must outlive the process: joined channels, what waits for the workflow engine, actions in hand, paces.

Every method returns only when its effect would survive the process being killed (for a durable storage: the machine
losing power). Every method can raise StorageUnavailable, and then had no effect. Cancelling a method leaves unknown
whether it took effect. Several processes may share a storage where the adapter's URL allows it; what one of them has
claimed no other one gets, until the claim's lease runs out.
"""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from application.ports.channels import Channels
from application.ports.journal import Journal
from application.ports.outbox import Outbox
from application.ports.rate_limiter import RateLimiter


class Storage(Protocol):
    """All that must outlive the process. Opened by `open`, once; its parts are usable only inside."""

    channels: Channels
    outbox: Outbox
    journal: Journal
    rate_limiter: RateLimiter

    def open(self) -> AbstractAsyncContextManager[None]:
        """Open the storage, creating what is missing; claims of an earlier process that can't be alive are ended (and
        known as interrupted). StorageRefused when it is in use elsewhere or unsafe to use; StorageUnavailable.

        Leaving finishes the requests in hand and closes.
        """

    async def heartbeat(self, now: datetime, lease_seconds: float) -> None:
        """Keep what this process has in hand for `lease_seconds` after `now`; a process that stays silent longer
        loses it to others. No effect where only one process can use the storage.
        """
