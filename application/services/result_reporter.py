"""Bring the outcomes of actions to the workflow engine, until it took them."""

import structlog

from application.ports.storage import Storage
from application.ports.workflow import Workflow
from application.resilience.backoff import exponential_backoff
from application.resilience.circuit_breaker import EngineLine
from application.resilience.shutdown import Shutdown
from application.resilience.storage_retry import Safekeeping
from domain.actions import ActionId, JournalEntry
from domain.errors import PackNotRegistered, RejectedByWorkflow, WorkflowError, WorkflowInDoubt, WorkflowServerError

log = structlog.get_logger()

_MAX_UNCONFIRMED_ATTEMPTS = 70
"""Answers to one action that the engine may fail without telling whether it has one, before it is set aside: with
pauses up to a minute, about an hour. An engine whose database is down fails everything for a while."""


class ResultReporter:
    """Answers each action once, as far as the engine lets one know."""

    def __init__(
        self, workflow: Workflow, storage: Storage, stop: Shutdown, line: EngineLine, keep: Safekeeping
    ) -> None:
        self._workflow = workflow
        self._journal = storage.journal
        self._stop = stop
        self._line = line
        self._keep = keep

    async def report(self, entry: JournalEntry) -> None:
        """Answer a concluded action; it is finished or set aside then. Raises Stopping when the pack ends before."""
        action_id = entry.action.id
        reason = await self._deliver(entry)
        if reason:
            log.error("answer_set_aside", action=action_id, reason=reason)
            await self._keep(lambda: self._journal.dead_letter(action_id, reason))
        else:
            await self._keep(lambda: self._journal.mark_reported(action_id))

    async def report_again(self, entry: JournalEntry) -> None:
        """Answer an action that was finished and given out once more with the outcome that it had."""
        if reason := await self._deliver(entry):
            log.error("answer_refused", action=entry.action.id, reason=reason)

    async def _deliver(self, entry: JournalEntry) -> str:
        """Why the outcome can't be brought to the engine; empty when the engine has it."""
        unknown, was_in_doubt = 0, False
        for pause in exponential_backoff(0.25, 60):
            try:
                await self._complete(entry)
            except (PackNotRegistered, RejectedByWorkflow) as refusal:
                return str(refusal)
            except (WorkflowServerError, WorkflowInDoubt) as error:
                log.warning("answer_not_taken", action=entry.action.id, reason=str(error))
                is_answered = await self._is_completed(entry.action.id)
                if is_answered or (is_answered is None and was_in_doubt and isinstance(error, WorkflowServerError)):
                    return ""  # a lost answer, and then the 500 of an action that has one
                was_in_doubt = was_in_doubt or isinstance(error, WorkflowInDoubt)
                unknown += is_answered is None
                if unknown >= _MAX_UNCONFIRMED_ATTEMPTS:
                    return str(error)
            else:
                return ""
            await self._stop.sleep(pause)
        raise AssertionError("the pauses have no end")

    async def _complete(self, entry: JournalEntry) -> None:
        outcome, at = entry.outcome, entry.completed_at
        if outcome is None or at is None:
            raise ValueError(f"action {entry.action.id} has no outcome yet")
        await self._line(lambda: self._workflow.complete(entry.action.id, outcome, at))

    async def _is_completed(self, action_id: ActionId) -> bool | None:
        try:
            return await self._line(lambda: self._workflow.is_completed(action_id))
        except WorkflowError as error:
            log.warning("audit_failed", action=action_id, reason=str(error))
            return None
