"""Reports the outcomes of actions to the workflow engine until it has them."""

from collections import Counter
from datetime import datetime

import structlog

from application.loop_time import loop_time
from application.ports.storage import Storage
from application.ports.telemetry import Telemetry, Window
from application.ports.workflow import Completion, Workflow
from application.resilience.backoff import exponential_backoff
from application.resilience.shutdown import Shutdown
from application.resilience.troubles import Troubles
from domain.actions import ActionId, JournalEntry
from domain.commands import command_name
from domain.errors import (
    PackNotRegistered,
    PathRefused,
    RejectedByWorkflow,
    WorkflowError,
    WorkflowInDoubt,
    WorkflowServerError,
)

log = structlog.get_logger()

_LATE_SECONDS = 1.0
"""A report that takes longer had to wait, or to be repeated."""

_MAX_UNCONFIRMED_ATTEMPTS = 70
"""Failed attempts after which an outcome is dead-lettered if the engine can't tell whether it has it. With pauses up
to a minute, about an hour: an engine whose database is down fails everything for a while."""

_WIDE_SEARCHES = (3, 10, 30)
"""The failed attempts after which an engine that can't tell is asked to look further back, at great expense: after a
second, two minutes and twenty minutes."""

_MAX_CONTRADICTIONS = 11
"""Failed attempts, in about three minutes, after which the engine is taken to have an outcome that it will never
confirm: it fails every repeat, and its record of the action is out of date."""


class ResultReporter:
    """Reports each outcome once, as far as the engine's answers allow."""

    def __init__(self, workflow: Workflow, storage: Storage, shutdown: Shutdown, telemetry: Telemetry) -> None:
        self._workflow = workflow
        self._journal = storage.journal
        self._shutdown = shutdown
        self._telemetry = telemetry

    async def report(self, entry: JournalEntry, *, is_resumed: bool) -> None:
        """Reports a completed action, and marks it as reported or dead-lettered.

        `is_resumed` says that it was completed in an earlier run, or set aside and requeued since. Raises
        ShutdownRequested if the pack is to end before.
        """
        action_id, began_at = entry.action.id, loop_time()
        reason = await self._deliver(entry)
        if reason:
            log.error("answer_set_aside", reason=reason)
            await self._journal.dead_letter(action_id, reason)
        else:
            await self._journal.mark_reported(action_id)
            _log_success(loop_time() - began_at, is_resumed=is_resumed)

    async def report_again(self, entry: JournalEntry) -> None:
        """Reports the known outcome of an action that the engine has given out once more."""
        if reason := await self._deliver(entry):
            log.error("answer_refused", reason=reason)

    async def _deliver(self, entry: JournalEntry) -> str:
        """Returns why the outcome can't be reported; empty once the engine has it."""
        attempts: Counter[Completion] = Counter()
        was_in_doubt, troubles = False, Troubles()
        for pause in exponential_backoff(0.25, 60):
            try:
                await self._complete(entry)
            except PathRefused as error:
                _log_refusal(str(error), is_new=troubles.is_new(str(error)))
            except (PackNotRegistered, RejectedByWorkflow) as error:
                return str(error)
            except (WorkflowServerError, WorkflowInDoubt) as error:
                _log_refusal(str(error), is_new=troubles.is_new(str(error)))
                is_wide = attempts[Completion.UNKNOWN] > 0 and attempts.total() + 1 in _WIDE_SEARCHES
                completion = await self._completion_of(entry.action.id, entry.taken_at if is_wide else None)
                attempts[completion] += 1
                is_failure = isinstance(error, WorkflowServerError)
                if completion is Completion.RECEIVED or (
                    completion is not Completion.MISSING and was_in_doubt and is_failure
                ):
                    return ""  # a lost answer, then the 500 of an action that is complete already
                if attempts[Completion.CONTRADICTORY] >= _MAX_CONTRADICTIONS and is_failure:
                    command = command_name(entry.action.command)
                    self._telemetry.note(Window.UNCONFIRMED_RESULT)
                    log.warning("answer_assumed_taken", command=command, reason=str(error))
                    return ""
                if attempts[Completion.UNKNOWN] >= _MAX_UNCONFIRMED_ATTEMPTS:
                    return str(error)
                was_in_doubt = was_in_doubt or not is_failure
            else:
                return ""
            await self._shutdown.sleep(pause)
        raise AssertionError("the backoff has no end")

    async def _complete(self, entry: JournalEntry) -> None:
        if entry.outcome is None or entry.completed_at is None:
            raise ValueError(f"action {entry.action.id} has no outcome yet")
        await self._workflow.complete(entry.action.id, entry.outcome, entry.completed_at)

    async def _completion_of(self, action_id: ActionId, since: datetime | None) -> Completion:
        try:
            return await self._workflow.completion_of(action_id, since)
        except WorkflowError as error:
            log.warning("audit_failed", reason=str(error))
            return Completion.UNKNOWN


def _log_refusal(reason: str, *, is_new: bool) -> None:
    if is_new:
        log.warning("answer_not_taken", reason=reason)
    else:
        log.debug("answer_not_taken", reason=reason)


def _log_success(seconds: float, *, is_resumed: bool) -> None:
    if is_resumed or seconds > _LATE_SECONDS:
        log.info("answer_taken", seconds=round(seconds, 3))
    else:
        log.debug("answer_taken", seconds=round(seconds, 3))
