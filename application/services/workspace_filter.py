"""Tells the events of the pack's workspace from those of others."""

from typing import TypeAlias

import structlog

from application.ports.receiver import (
    AccessLost,
    ChannelIdChanged,
    ChatEvent,
    Connected,
    Disconnected,
    OtherWorkspaceEvent,
    WorkspaceEvent,
)
from application.ports.storage import Storage
from application.services.membership_doubts import MembershipDoubts

log = structlog.get_logger()

_MAX_WORKSPACES = 1_000
"""How many workspaces are logged, each once."""

OwnEvent: TypeAlias = WorkspaceEvent | Connected | Disconnected
"""An event of the pack's workspace, or of the connection."""


class WorkspaceFilter:
    """Lets through what happens in the pack's workspace, and in channels shared with it."""

    def __init__(self, storage: Storage, doubts: MembershipDoubts) -> None:
        self._channels = storage.channels
        self._doubts = doubts
        self._other_workspaces: set[str] = set()

    async def own(self, event: ChatEvent) -> OwnEvent | None:
        """Returns the event, taken out of an OtherWorkspaceEvent; None if it is not for the pack."""
        if not isinstance(event, OtherWorkspaceEvent):
            return event
        if await self._is_known(event.event):
            return event.event
        self._log(event)
        return None

    async def _is_known(self, event: WorkspaceEvent) -> bool:
        """Whether an event is about one of the pack's channels after all: it may be shared between workspaces."""
        match event:
            case AccessLost():
                return False
            case ChannelIdChanged():
                channel_id = event.old_id
            case _:
                channel_id = event.channel_id
        if channel_id in await self._channels.joined() or channel_id in self._doubts.expected():
            return True
        return channel_id in (await self._channels.unjoined_memberships() or ())

    def _log(self, other: OtherWorkspaceEvent) -> None:
        if other.team_id not in self._other_workspaces and len(self._other_workspaces) < _MAX_WORKSPACES:
            self._other_workspaces.add(other.team_id)
            log.warning("other_workspace_ignored", team=other.team_id)
