"""Actions taken from the workflow engine, with the progress of each."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from domain.actions import Action, ActionId, JournalEntry, StepName, StepResult
from domain.events import Outcome
from domain.outbox import Backlog, Lane, Lease


class Journal(Protocol):
    """Part of a Storage, whose docstring applies.

    A method that would violate the state machine (`domain.action_states`) raises ValueError and changes nothing.
    Methods that change an action raise LeaseLost, and change nothing, once another process has taken it over; those
    that take the lease of an outgoing lane also if that lease is lost.
    """

    async def open_poll_session(self, at: datetime | None = None) -> datetime | None:
        """Records that this process polls for actions, from this time on (None: now).

        Returns since when an earlier process polled without closing its session: it may have been given actions that
        the journal does not have. None if there is no such session. It never began after `at`. Its end is now up to
        this process. A process that is not lost after all has its own session again with its next heartbeat.
        """

    async def abandoned_poll_session(self) -> datetime | None:
        """Takes over sessions that other processes did not close before their heartbeat expired.

        Returns since when the earliest of them polled; None if there is none.
        """

    async def close_poll_session(self) -> None:
        """Records that this process has stopped polling and has recorded every action that it was given."""

    async def record(self, action: Action, *, lane: Lane, at: datetime | None = None) -> JournalEntry | None:
        """Stores an action taken at this time (None: now) in its lane, owned by this process.

        Returns None if it is new, otherwise what is known of it. Within a process, actions are recorded in the order
        of the calls.

        The same id with another command is another action; it replaces one that was reported. It is recognized
        although capabilities and contents were forgotten.
        """

    async def plan_steps(self, action_id: ActionId, names: Sequence[StepName]) -> None:
        """Fixes the steps of an action before the first begins. -> EXECUTING."""

    async def begin_step(
        self, action_id: ActionId, name: StepName, lease: Lease, *, at: datetime | None = None
    ) -> datetime:
        """Records that the first request of a step is about to be sent (None: now). -> EXECUTING.

        Returns when the step began: later calls keep the first time.
        """

    async def undo_begin_step(self, action_id: ActionId, name: StepName, lease: Lease) -> None:
        """Records that nothing of a step took effect: it counts as not begun. Raises ValueError if it is complete."""

    async def complete_step(
        self, action_id: ActionId, name: StepName, lease: Lease, *, result: StepResult | None = None, error: str = ""
    ) -> None:
        """Records the result or the permanent error of a step."""

    async def set_outcome(self, action_id: ActionId, outcome: Outcome) -> datetime:
        """Records how the action ended, and returns when. -> COMPLETED; also from TAKEN: not every action has steps.

        Forgets the content of a file in the command.
        """

    async def mark_reported(self, action_id: ActionId) -> None:
        """Records that the engine has the outcome. -> REPORTED; the id stays known until `purge`.

        Forgets all capabilities (`application.catalog.secrecy`), as `discard` does.
        """

    async def dead_letter(self, action_id: ActionId, reason: str) -> None:
        """Records that the outcome can't be reported. COMPLETED -> DEAD_LETTERED."""

    async def claim_orphans(self, limit: int) -> list[JournalEntry]:
        """Takes over unreported actions that no process owns, in the order of `entries`."""

    async def give_back(self, action_id: ActionId) -> None:
        """Ends this process's ownership of an action that it does not know how to execute.

        A process that knows gets it from `claim_orphans`; this one gets it only if no other process is alive.
        """

    async def load(self, action_id: ActionId) -> JournalEntry | None:
        """Returns what is known of an action, in any state; None if nothing is."""

    async def backlog(self) -> Backlog:
        """Returns the number of unreported and of dead-lettered actions, and the oldest. Cheap, whatever the number.

        Numbers from some thousands on may be estimates.
        """

    def entries(self, *, dead_lettered: bool = False) -> AsyncIterator[JournalEntry]:
        """Iterates over the unreported or the dead-lettered actions, a page at a time.

        In the order of recording or, if they were requeued, of requeueing.
        """

    async def requeue(self, action_id: ActionId) -> bool:
        """DEAD_LETTERED -> COMPLETED, owned by no process. Returns False if there is no such action."""

    async def discard(self, action_id: ActionId) -> bool:
        """Drops an action that no process owns, or a dead-lettered one; its id stays known. False if there is none."""

    async def purge(self, older_than: timedelta) -> int:
        """Forgets actions that were reported or discarded longer ago. Returns how many. Time counts as for outboxes."""
