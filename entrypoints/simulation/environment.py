"""What a conversation plays on: both ends, and how to tell when nothing more follows from what was said."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from application.ports.storage import Storage
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.models import Action
from entrypoints.simulation.workspaces.workspace import Workspace

_POLL_INTERVAL_SECONDS: Final = 0.003


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The chat, the engine, and the storage of the pack between them: None when the pack is another process."""

    workspace: Workspace
    flyte: Flyte
    storage: Storage | None
    page_url: str = ""
    """Where the page is; empty: there is none."""

    async def settle(self, timeout_seconds: float) -> str:
        """Wait until nothing more follows from what was said; '' then, or what is still waited for.

        Nothing tells when the last thing has happened, so both ends and the storage are looked at, again and again.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while (waited_for := await self._pending()) and loop.time() < deadline:  # noqa: ASYNC110 - see above
            await asyncio.sleep(_POLL_INTERVAL_SECONDS)
        return waited_for

    async def _pending(self) -> str:
        """What is under way, looked at in the order in which it travels, so that nothing slips past."""
        if self.workspace.is_busy:
            return "the pack has not acknowledged what was said"
        if self.storage is not None and (await self.storage.outbox.backlog()).waiting:
            return "a message waits to be delivered to Flyte"
        if self.flyte.is_busy:
            return "flows have not run yet"
        return _describe(self._unanswered_actions()) or (
            "an event is on its way to the pack" if self.workspace.is_busy else ""
        )

    def _unanswered_actions(self) -> list[Action]:
        """The actions that a registered pack is to take or to answer; for others nobody is waited for."""
        packs = self.flyte.packs.values()
        return [
            action
            for action in self.flyte.unfinished()
            if any(pack.name == action.pack_name and pack.has_labels(action.pack_labels) for pack in packs)
        ]


def _describe(actions: Sequence[Action]) -> str:
    return ", ".join(f"{action.pack_name} has not answered {action.name}" for action in actions[:3])
