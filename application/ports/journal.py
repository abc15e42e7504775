"""Actions taken from the workflow engine."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from domain.actions import Action, ActionId, JournalEntry, Step
from domain.channels import ChannelId
from domain.events import Outcome
from domain.outbox import Backlog


class Journal(Protocol):
    """The actions that this pack took: TAKEN -> EXECUTING -> CONCLUDED -> FINISHED or SET_ASIDE.

    A method that would go against the arrows raises ValueError and changes nothing.
    """

    async def open_poll_session(self, at: datetime) -> datetime | None:
        """From now on this process asks the engine for actions. Returns since when earlier processes did that never
        ended their taking: they may have been given actions that the journal does not have. None: there are none.
        """

    async def close_poll_session(self) -> None:
        """No more actions are asked for by this process, and the journal has all that it was given."""

    async def record(self, action: Action, at: datetime) -> JournalEntry | None:
        """Keep an action just taken, in this process's hands. None when it is new; otherwise what is known of it.

        The same id with another command is another action: it takes the place of a finished one.
        """

    async def plan_steps(self, action_id: ActionId, channel_ids: Sequence[ChannelId]) -> None:
        """Fix the channels that a broadcast goes to. -> EXECUTING."""

    async def begin_step(self, action_id: ActionId, channel_id: ChannelId, at: datetime) -> None:
        """The first request of a step is about to go out; later calls keep the first `at`. -> EXECUTING."""

    async def undo_begin_step(self, action_id: ActionId, channel_id: ChannelId) -> None:
        """Of a step that began nothing took effect so far: it counts as not begun. ValueError when its end is known."""

    async def complete_step(self, action_id: ActionId, channel_id: ChannelId, step: Step) -> None:
        """Note how a step ended."""

    async def set_outcome(self, action_id: ActionId, outcome: Outcome, at: datetime) -> None:
        """The outcome is known. -> CONCLUDED. From TAKEN too: not every action has steps."""

    async def mark_reported(self, action_id: ActionId) -> None:
        """The engine has the answer. -> FINISHED, out of this process's hands; the id stays known until `forget`."""

    async def dead_letter(self, action_id: ActionId, reason: str) -> None:
        """The answer can't be brought to the engine. CONCLUDED -> SET_ASIDE."""

    async def claim_orphans(self, limit: int) -> list[JournalEntry]:
        """Actions not finished and in nobody's hands any more, oldest first; they are in this process's hands now."""

    async def load(self, action_id: ActionId) -> JournalEntry | None:
        """What is known of an action, in any state; None when nothing is."""

    async def backlog(self) -> Backlog:
        """How many are not finished, and how many set aside. Cheap, whatever the depth."""

    def entries(self, *, set_aside: bool = False) -> AsyncIterator[JournalEntry]:
        """Those in hand, or those set aside, oldest first, a page at a time."""

    async def requeue(self, action_id: ActionId) -> bool:
        """SET_ASIDE -> CONCLUDED, in nobody's hands. False when there is none."""

    async def discard(self, action_id: ActionId) -> bool:
        """Drop an action that is in no process's hands or was set aside; its id stays known. False when none."""

    async def purge(self, before: datetime) -> int:
        """Drop what is known of actions finished and taken before; how many they were."""
