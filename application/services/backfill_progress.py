"""Which channels are being backfilled, for those who have to wait for it."""

import asyncio

from application.loop_time import loop_time
from application.resilience.shutdown import Shutdown
from domain.channels import ChannelId


class BackfillProgress:
    """Shared by the backfill, which reports, and the commands, which wait."""

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        self._pending: set[ChannelId] = set()
        self._is_scheduled = False
        self._changed = asyncio.Event()
        """Replaced each time it is set."""

    def on_scheduled(self, channel_ids: "frozenset[ChannelId]" = frozenset()) -> None:
        """The backfill of these channels, in addition to earlier ones, is scheduled."""
        self._pending |= channel_ids
        self._is_scheduled = True
        self._signal()

    def on_done(self, channel_id: ChannelId) -> None:
        """The channel's history has been read."""
        self._pending.discard(channel_id)
        self._signal()

    async def wait_until_done(self, channel_id: ChannelId, timeout_seconds: float) -> None:
        """Returns when no backfill of this channel is pending, or after the timeout. Raises ShutdownRequested."""
        end = loop_time() + timeout_seconds
        while (left := end - loop_time()) > 0:
            if self._is_scheduled and channel_id not in self._pending:
                return
            await self._shutdown.wait(left, self._changed)

    def _signal(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
