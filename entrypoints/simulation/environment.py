"""A running sandbox, and the detection that it has settled: nothing more follows from people's actions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from application.ports.storage import Storage
from entrypoints.container.recording import NoRecording
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.scripted_pack import ScriptedPack
from entrypoints.simulation.workspaces.workspace import Workspace

_POLL_INTERVAL_SECONDS: Final = 0.003
_MAX_LISTED_ACTIONS: Final = 3
_QUIET_SECONDS: Final = 0.5
"""How long an app of any kind has to do nothing before it is believed to have finished."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The chat, the workflow engine, and the storage of the pack between them: None if it is another process."""

    workspace: Workspace
    flyte: Flyte
    storage: Storage | None
    page_url: str = ""
    """The URL of the web page; empty if there is none."""
    is_slack_only: bool = False
    """Whether the app is of any kind, and no pack: the workflow engine has no flows, and is not served."""
    scripted_packs: Sequence[ScriptedPack] = ()
    """The packs of the configuration, in its order."""
    recording: NoRecording = field(default_factory=NoRecording)
    """What records the pack's traffic, if anything does."""

    @property
    def awaits_scripted_packs(self) -> bool:
        """Whether a scripted pack has yet to answer a command."""
        names = {pack.script.name for pack in self.scripted_packs}
        return any(action.pack_name in names for action in self.flyte.unfinished())

    async def settle(self, timeout_seconds: float) -> str:
        """Waits until nothing is pending; returns '' then, or a description of what is pending after the timeout.

        No event marks the end of all activity, so this polls both servers and the storage.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while (pending := await self._pending()) and loop.time() < deadline:  # noqa: ASYNC110 - see above
            await asyncio.sleep(_POLL_INTERVAL_SECONDS)
        if self.is_slack_only and not pending:
            await self._wait_until_quiet(deadline)
        return pending

    async def _wait_until_quiet(self, deadline: float) -> None:
        """Waits until the app has done nothing for a while: most of what it does follows its acknowledgement."""
        slack, counted = self.workspace.slack, -1
        while slack.has_receiver and counted != slack.counters.total() and asyncio.get_running_loop().time() < deadline:
            counted = slack.counters.total()
            await asyncio.sleep(_QUIET_SECONDS)

    async def _pending(self) -> str:
        """Describes what is pending. Checks in the direction in which messages travel, so that none slips past."""
        if self.workspace.is_busy:
            return f"the {'app' if self.is_slack_only else 'pack'} has not acknowledged a message"
        if self.storage is not None and (await self.storage.outbox.backlog()).waiting:
            return "a message is waiting for delivery to Flyte"
        if self.flyte.is_busy:
            return "flows have not run yet"
        if actions := self._pending_actions():
            return ", ".join(actions[:_MAX_LISTED_ACTIONS])
        return "an event is on its way to the pack" if self.workspace.is_busy else ""

    def _pending_actions(self) -> list[str]:
        """Describes the pending actions of registered packs, alike ones once; no other pack will ever take one."""
        pending = (
            f"{action.pack_name} has not completed {action.name}"
            for action in self.flyte.unfinished()
            if self.flyte.has_pack_for(action)
        )
        return [*dict.fromkeys(pending)]
