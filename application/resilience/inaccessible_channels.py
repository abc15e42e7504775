"""Notices when the chat service denies access to a channel."""

from collections.abc import Callable
from typing import Any

from application.resilience.interception import PortCall
from domain.channels import ChannelId
from domain.errors import ChannelInaccessible


class InaccessibleChannelPolicy:
    """Has the membership of a channel checked once a call has shown that the channel is not accessible."""

    def __init__(self, recheck: Callable[[ChannelId], None]) -> None:
        self._recheck = recheck

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        try:
            return await call.perform()
        except ChannelInaccessible as error:
            self._recheck(error.channel_id)
            raise
