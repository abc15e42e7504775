"""Takes actions from the workflow engine, records them in the journal, executes them, and reports their outcomes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain, repeat
from types import MappingProxyType

import structlog

from application.catalog.commands import is_known
from application.log_context import log_about_action
from application.loop_time import loop_time
from application.policies import LeasePolicy
from application.ports.chat import Chat
from application.ports.storage import Storage
from application.ports.workflow import Workflow
from application.resilience.backoff import exponential_backoff
from application.resilience.incidents import log_incident, retry_after_incidents
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.resilience.storage_retry import StorageRetryPolicy
from application.resilience.troubles import Troubles
from application.services.channel_locks import ChannelLocks
from application.services.lanes import lane_of
from application.services.poll_schedule import PollSchedule
from application.services.replica_group import ReplicaGroup
from application.services.result_reporter import ResultReporter
from application.services.swallowed_actions import SwallowedActions
from application.services.work_log import WorkLog
from application.use_cases.dispatcher import CommandDispatcher
from domain.actions import Action, ActionId, ActionState, JournalEntry, Step, StepName
from domain.commands import command_name
from domain.errors import ActionTakenElsewhere, LeaseLost, WorkflowError, WorkflowInDoubt
from domain.events import Fatal, Outcome
from domain.outbox import Lane

log = structlog.get_logger()

_ORPHANS_PER_CLAIM = 100
_UNREPORTED = frozenset({ActionState.TAKEN, ActionState.EXECUTING, ActionState.COMPLETED})
_MAX_UNRECORDED = 10
"""The limit of actions taken but not yet recorded: a crash leaves each of them in doubt. The engine keeps the
others."""
_MAX_ATTEMPTS = 5
"""Attempts of an action that a bug interrupts, before it is set aside."""


class ActionWorker:
    """Carries every action from the engine through the journal and the dispatcher back to the engine."""

    def __init__(
        self,
        workflow: Workflow,
        until_registered: Callable[[], Awaitable[None]],
        chat: Chat,
        storage: Storage,
        dispatcher: CommandDispatcher,
        reporter: ResultReporter,
        schedule: PollSchedule,
        channel_locks: ChannelLocks,
        replicas: ReplicaGroup,
        work_log: WorkLog,
        shutdown: Shutdown,
        storage_retry: StorageRetryPolicy,
        lease: LeasePolicy,
        journal_limit: int,
    ) -> None:
        self._workflow = workflow
        self._until_registered = until_registered
        self._chat = chat
        self._journal = storage.journal
        self._swallowed_actions = SwallowedActions(workflow, chat, storage)
        self._dispatcher = dispatcher
        self._reporter = reporter
        self._schedule = schedule
        self._channel_locks = channel_locks
        self._replicas = replicas
        self._work_log = work_log
        self._shutdown = shutdown
        self._storage_retry = storage_retry
        self._lease = lease
        self._journal_limit = journal_limit
        self._in_progress: Counter[ActionId] = Counter()
        self._regained: set[ActionId] = set()
        """Actions that the process lost and claimed again while they were still in progress."""
        self._is_action_lost = False
        """An action was taken that could not be recorded before the shutdown."""
        self._unrecorded: set[ActionId] = set()
        self._recorded = asyncio.Event()
        self._task_done = asyncio.Event()
        self._orphans_expected = asyncio.Event()
        self._tasks: asyncio.TaskGroup

    def notify(self) -> None:
        """The journal may have actions that no process owns."""
        self._orphans_expected.set()

    async def run(self) -> None:
        """Runs until the pack ends: first the actions in the journal, then those that the engine gives out.

        Returns when no request is in progress any more; unfinished actions stay in the journal.
        """
        has_session = False
        async with asyncio.TaskGroup() as self._tasks:
            try:
                await self._claim_orphans()
                self._tasks.create_task(self._claim_orphans_periodically(), name="claim orphans")
                await self._until_registered()  # which has learned the engine's time
                if since := await self._journal.open_poll_session(self._workflow.now()):
                    self._swallowed_actions.suspect(since)
                has_session = True
                await retry_after_incidents(self._recover_swallowed, self._shutdown, loop="recover actions")
                while True:
                    await retry_after_incidents(self._poll_once, self._shutdown, loop="take actions")
            except ShutdownRequested:
                pass
        if has_session and not self._swallowed_actions.are_suspected and not self._is_action_lost:
            await self._journal.close_poll_session()

    async def _claim_orphans(self) -> None:
        while entries := await self._journal.claim_orphans(_ORPHANS_PER_CLAIM):
            for entry in entries:
                if entry.action.id in self._in_progress:
                    self._regained.add(entry.action.id)
                else:
                    self._start(partial(self._process, entry), entry.action)
            log.info("journal_resumed", actions=len(entries))

    async def _claim_orphans_periodically(self) -> None:
        """Claims actions that an operator has requeued or that another process has lost."""
        try:
            while True:
                await self._shutdown.wait(self._lease.poll_seconds, self._orphans_expected)
                self._orphans_expected.clear()
                await retry_after_incidents(self._take_over, self._shutdown, loop="claim actions")
        except ShutdownRequested:
            return

    async def _take_over(self) -> None:
        await self._claim_orphans()
        if since := await self._journal.abandoned_poll_session():
            self._swallowed_actions.suspect(since, look_at_once=True)
            self._schedule.wake.set()

    async def _poll_once(self) -> None:
        await self._wait_for_capacity()
        await self._storage_retry.wait_until_available()
        if delay := self._schedule.delay_before_poll():
            await self._shutdown.sleep(delay)
        action = await self._poll()
        if action is None:
            self._swallowed_actions.on_none_waits()
        else:
            self._schedule.on_action_found()
            self._start_recording(action)
        await self._recover_swallowed()
        if action is None:
            await self._shutdown.sleep(self._schedule.on_empty_poll())
            await self._shutdown.wait(self._schedule.delay_after_empty(), self._schedule.wake)
        elif delay := self._schedule.delay_after_action():
            await self._shutdown.wait(delay, self._schedule.wake)

    async def _wait_for_capacity(self) -> None:
        while self._in_progress.total() >= self._journal_limit:
            log.warning("journal_full", actions=self._in_progress.total())
            self._task_done.clear()
            await self._shutdown.wait(None, self._task_done)
        while len(self._unrecorded) >= _MAX_UNRECORDED:
            self._recorded.clear()
            await self._shutdown.wait(None, self._recorded)

    async def _poll(self) -> Action | None:
        """Takes one action, or None. Waits long after failures of the engine, not after losing to another replica."""
        is_in_doubt, troubles = False, Troubles()
        for pause in exponential_backoff(0.05, 10):
            self._schedule.wake.clear()
            polled_at = self._workflow.now()
            try:
                return await self._workflow.take()
            except ActionTakenElsewhere:
                log.debug("race_for_action_lost")
            except WorkflowInDoubt as doubt:
                self._swallowed_actions.suspect(polled_at)
                if not is_in_doubt:
                    log.warning("take_in_doubt", reason=str(doubt))
                is_in_doubt = True
            except WorkflowError as error:
                if troubles.is_new(str(error)):
                    log.warning("take_failed", reason=str(error), again_in_seconds=round(pause, 2))
                else:
                    log.debug("take_failed", reason=str(error), again_in_seconds=round(pause, 2))
            await self._shutdown.sleep(max(pause, self._schedule.on_empty_poll()))
        raise AssertionError("the backoff has no end")

    async def _recover_swallowed(self) -> None:
        if not (recovered := await self._swallowed_actions.find_if_due(self._in_progress)):
            return
        # The post of another pack appears in the history a little later. Slightly different times keep the order.
        visible_at = loop_time() + self._chat.history_lag_seconds
        for number, (action, steps) in enumerate(recovered):
            self._start_recording(action, steps, visible_at + number / 1000)

    def _start_recording(
        self, action: Action, steps: Mapping[StepName, Step] = MappingProxyType({}), visible_at: float = 0.0
    ) -> None:
        self._unrecorded.add(action.id)
        self._start(partial(self._record, action, steps, visible_at), action)

    def _start(self, work: Callable[[], Awaitable[object]], action: Action) -> None:
        self._in_progress[action.id] += 1
        task = self._tasks.create_task(self._carry_out(action, work), name=f"action {action.id}")
        task.add_done_callback(partial(self._on_task_done, action))

    def _on_task_done(self, action: Action, _task: "asyncio.Task[None]") -> None:
        self._in_progress[action.id] -= 1
        if not self._in_progress[action.id]:
            del self._in_progress[action.id]
            self._continue_if_regained(action)
        self._task_done.set()
        self._schedule.on_result_reported()

    def _continue_if_regained(self, action: Action) -> None:
        if action.id in self._regained:
            self._regained.discard(action.id)
            if not self._shutdown.is_requested:
                self._start(partial(self._continue, action.id), action)

    async def _carry_out(self, action: Action, work: Callable[[], Awaitable[object]]) -> None:
        """Does the work; a bug holds up this action alone, which is tried again and set aside in the end."""
        log_about_action(action)
        attempts: Iterator[Callable[[], Awaitable[object]]] = chain(
            [work], repeat(partial(self._resume, action.id, work))
        )

        async def attempt() -> None:
            await next(attempts)()

        try:
            incident = await retry_after_incidents(
                attempt, self._shutdown, max_attempts=_MAX_ATTEMPTS, expected=(LeaseLost,)
            )
            if incident:
                await self._set_aside(action.id, f"internal error ({incident})")
        except LeaseLost as lost:
            log.warning("lease_lost", reason=str(lost))
        except ShutdownRequested:
            log.info("action_kept_for_next_start")
        except Exception:  # noqa: BLE001 - a bug; the next start tries again
            log_incident()

    async def _resume(self, action_id: ActionId, work: Callable[[], Awaitable[object]]) -> None:
        """Continues an action from where the journal has it; does the work if it has none."""
        if not await self._continue(action_id):
            await work()

    async def _continue(self, action_id: ActionId) -> bool:
        """Continues an action from where the journal has it. Returns False if it has none."""
        entry = await self._journal.load(action_id)
        if entry is not None and entry.state in _UNREPORTED:
            await self._process(entry)
        return entry is not None

    async def _set_aside(self, action_id: ActionId, reason: str) -> None:
        log.error("answer_set_aside", reason=reason)
        entry = await self._journal.load(action_id)
        if entry is not None and entry.state is not ActionState.COMPLETED:
            await self._journal.set_outcome(action_id, Fatal(reason))
        await self._journal.dead_letter(action_id, reason)

    async def _record(self, action: Action, steps: Mapping[StepName, Step], visible_at: float) -> None:
        """Records a taken action, and executes it unless it is known already.

        It is not executed before `visible_at`, by the event loop's time: by then its post shows in the history if
        another pack is posting it now.
        """
        taken_at = self._chat.now()  # the time to give up is measured by that clock too
        try:
            known = await self._add_to_journal(action, taken_at)
        except ShutdownRequested:
            self._is_action_lost = True
            log.error("action_not_noted", command=command_name(action.command))  # noqa: TRY400 - no bug
            return
        if known is None:
            await self._record_begun(action, steps)
            await self._process(JournalEntry(action, taken_at, steps=steps), visible_at)
        elif known.state is ActionState.REPORTED:
            log.warning("action_given_out_again")
            await self._report_again(known)

    async def _add_to_journal(self, action: Action, taken_at: datetime) -> JournalEntry | None:
        try:
            return await self._journal.record(action, lane=Lane(lane_of(action.id, action.command)), at=taken_at)
        finally:
            self._unrecorded.discard(action.id)
            self._recorded.set()

    async def _record_begun(self, action: Action, steps: Mapping[StepName, Step]) -> None:
        """Records the possible step first: a crash after the post must not leave the action looking untouched."""
        for name, step in steps.items():
            async with self._channel_locks.acquire(lane_of(action.id, action.command), action.id) as lease:
                await self._journal.begin_step(action.id, name, lease, at=step.begun_at)

    async def _report_again(self, known: JournalEntry) -> None:
        try:
            await self._reporter.report_again(known)
        except ShutdownRequested:
            return

    async def _process(self, entry: JournalEntry, not_before: float = 0.0) -> None:
        is_resumed = entry.state is ActionState.COMPLETED
        if not is_resumed:
            self._shutdown.raise_if_requested()
            if (delay := not_before - loop_time()) > 0:
                await self._shutdown.sleep(delay)
            if (completed := await self._complete(entry)) is None:
                return
            entry = completed
        await self._reporter.report(entry, is_resumed=is_resumed)

    async def _complete(self, entry: JournalEntry) -> JournalEntry | None:
        """Executes an action. Returns None if another replica does so, which knows the command."""
        name = command_name(entry.action.command)
        if not is_known(entry.action.command) and self._replicas.is_known_elsewhere(name):
            log.info("action_given_back", command=name)
            await self._journal.give_back(entry.action.id)
            return None
        started_at = loop_time()
        async with self._channel_locks.until_concluded(entry.action.id):
            outcome = await self._dispatch(entry)
            completed_at = await self._journal.set_outcome(entry.action.id, outcome)
            self._channel_locks.notify()
        self._work_log.on_executed(entry.action.command, outcome, loop_time() - started_at)
        return replace(entry, state=ActionState.COMPLETED, outcome=outcome, completed_at=completed_at)

    async def _dispatch(self, entry: JournalEntry) -> Outcome:
        try:
            return await self._dispatcher.dispatch(entry)
        except (ShutdownRequested, LeaseLost):
            raise
        except Exception as error:
            if entry.action.id in self._regained:  # what this task knows of the action may be out of date
                raise LeaseLost(f"the action {entry.action.id}") from error
            return Fatal(f"internal error ({log_incident()})")
