"""Take actions, note them in the journal, carry them out, and answer them."""

import asyncio
import secrets
from collections.abc import Coroutine, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import structlog

from application.policies import POLL_INTERVAL_SECONDS
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.ports.workflow import Workflow
from application.resilience.backoff import exponential_backoff
from application.resilience.circuit_breaker import EngineLine
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.resilience.storage_retry import Safekeeping
from application.services.poll_schedule import PollSchedule
from application.services.result_reporter import ResultReporter
from application.use_cases.dispatcher import CommandDispatcher
from domain.actions import Action, ActionState, JournalEntry, Step
from domain.channels import ChannelId
from domain.commands import SendMessage, SendRichMessage, command_name
from domain.errors import ActionTakenElsewhere, WorkflowError, WorkflowInDoubt, WorkflowServerError
from domain.events import Fatal, Outcome, event_name

log = structlog.get_logger()

_LOST_POST_SEARCH_WINDOW = timedelta(hours=1)
"""How far back to look for the post of an action that the engine holds to be in hand and the journal does not have."""
_RECOVERY_INTERVAL_SECONDS = 10.0
"""Between two questions what is in hand: a heavy one."""
_MAX_FAILED_POLLS = 8
"""In a row: a race is lost now and then, not that often."""


class ActionWorker:
    """The way of an action: taken, in the journal, carried out, concluded in the journal, answered."""

    def __init__(
        self,
        workflow: Workflow,
        storage: Storage,
        pack: CommandDispatcher,
        answering: ResultReporter,
        polling: PollSchedule,
        clock: Clock,
        stop: Shutdown,
        line: EngineLine,
        keep: Safekeeping,
        journal_limit: int,
    ) -> None:
        self._workflow = workflow
        self._journal = storage.journal
        self._pack = pack
        self._answering = answering
        self._polling = polling
        self._clock = clock
        self._stop = stop
        self._line = line
        self._keep = keep
        self._journal_limit = journal_limit
        self._in_progress = 0
        self._in_doubt_since: datetime | None = None
        """Since when an action may have been given out that the journal does not have; None: there can be none."""
        self._next_question_at = 0.0
        self._lost = False
        """An action was taken that the journal could not be given before the end."""
        self._task_done = asyncio.Event()
        self._tasks: asyncio.TaskGroup

    async def run(self) -> None:
        """Work until the pack ends: first what the journal holds, then what the engine gives out.

        Returns when no request is under way any more; what waits stays in the journal.
        """
        began_at = self._clock.now()
        self._in_doubt_since = await self._keep(lambda: self._journal.open_poll_session(began_at))
        async with asyncio.TaskGroup() as self._tasks:
            try:
                await self._claim_orphans()
                self._tasks.create_task(self._claim_orphans_periodically(), name="adopt actions")
                await self._recover_lost_if_due()
                while True:
                    await self._poll_once()
            except ShutdownRequested:
                pass
        if self._in_doubt_since is None and not self._lost:
            await self._keep(self._journal.close_poll_session)

    async def _claim_orphans(self) -> None:
        while entries := await self._keep(lambda: self._journal.claim_orphans(100)):
            for entry in entries:
                self._start(self._process(entry), entry.action)
            log.info("journal_resumed", actions=len(entries))

    async def _claim_orphans_periodically(self) -> None:
        """Notice what an operator put back, and what another process lost."""
        try:
            while True:
                await self._stop.sleep(POLL_INTERVAL_SECONDS)
                await self._claim_orphans()
        except ShutdownRequested:
            return

    async def _recover_lost_if_due(self) -> None:
        if self._in_doubt_since is None or self._clock.monotonic() < self._next_question_at:
            return
        self._next_question_at = self._clock.monotonic() + _RECOVERY_INTERVAL_SECONDS
        if await self._recover_lost(self._in_doubt_since):
            self._in_doubt_since = None  # not before: a stop in the middle leaves the doubt to the next start

    async def _recover_lost(self, since: datetime) -> bool:
        """Take in what the engine gave out and the journal does not have: a crash or a broken connection swallowed it.
        False when the engine did not answer.

        What is on its way into the journal at this moment may be taken in twice, which does no harm.
        """
        try:
            actions = await self._line(lambda: self._workflow.pending_actions(since))
        except WorkflowError as error:
            log.warning("actions_in_hand_unknown", reason=str(error))
            return False
        for action in actions:
            if await self._keep(lambda action=action: self._journal.load(action.id)) is None:  # type: ignore[misc] # mypy has no type for a lambda with a default
                log.warning("swallowed_action_recovered", action=action.id, command=command_name(action.command))
                self._start(self._record(action, self._clock.now(), self._assumed_steps(action)), action)
        return True

    def _assumed_steps(self, action: Action) -> Mapping[ChannelId, Step]:
        """As if its post had begun: a replica with a storage of its own may have the action in hand."""
        if not isinstance(action.command, SendMessage | SendRichMessage):
            return {}
        return {action.command.message.channel_id: Step(begun_at=self._clock.now() - _LOST_POST_SEARCH_WINDOW)}

    async def _poll_once(self) -> None:
        await self._wait_for_capacity()
        await self._keep.until_working()
        if pause := self._polling.delay_before_poll():
            await self._stop.sleep(pause)
        action = await self._poll()
        if action is not None:
            self._polling.on_action_found()
            self._start(self._record(action, self._clock.now()), action)
        await self._recover_lost_if_due()
        if action is None:
            await self._stop.sleep(self._polling.on_empty_poll())
            await self._stop.wait(self._polling.delay_after_empty(), self._polling.wake)
        elif pause := self._polling.delay_after_action():
            await self._stop.wait(pause, self._polling.wake)

    async def _wait_for_capacity(self) -> None:
        while self._in_progress >= self._journal_limit:
            log.warning("journal_full", actions=self._in_progress)
            self._task_done.clear()
            await self._stop.wait(None, self._task_done)

    async def _poll(self) -> Action | None:
        """One action, or None; a race lost to another replica is no reason to wait long, a failing engine is."""
        for failed, pause in enumerate(exponential_backoff(0.05, 10)):
            self._polling.wake.clear()
            asked_at = self._clock.now()
            if failed >= _MAX_FAILED_POLLS:
                self._line.report_failing("fails when asked for actions")
            try:
                return await self._line(self._workflow.take)
            except ActionTakenElsewhere:
                log.debug("race_for_action_lost")
            except WorkflowInDoubt as doubt:
                self._in_doubt_since = self._in_doubt_since or asked_at
                log.warning("take_in_doubt", reason=str(doubt))
            except (WorkflowServerError, WorkflowError) as error:
                log.warning("take_failed", reason=str(error), again_in_seconds=round(pause, 2))
            await self._stop.sleep(max(pause, self._polling.on_empty_poll()))
        raise AssertionError("the pauses have no end")

    def _start(self, work: Coroutine[None, None, None], action: Action) -> None:
        self._in_progress += 1
        task = self._tasks.create_task(work, name=f"action {action.id}")
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, _task: "asyncio.Task[None]") -> None:
        self._in_progress -= 1
        self._task_done.set()
        self._polling.on_result_reported()

    async def _record(
        self, action: Action, at: datetime, steps: Mapping[ChannelId, Step] = MappingProxyType({})
    ) -> None:
        """Note a taken action in the journal, and carry it out unless it is known already."""
        try:
            known = await self._keep(lambda: self._journal.record(action, at))
            if known is None:
                await self._record_begun(action, steps)
        except ShutdownRequested:
            self._lost = True
            log.error("action_not_noted", action=action.id, command=command_name(action.command))  # noqa: TRY400 - no bug
            return
        if known is None:
            await self._process(JournalEntry(action, at, steps=steps))
        elif known.state is ActionState.REPORTED:
            log.warning("action_given_out_again", action=action.id)
            await self._report_again(known)

    async def _record_begun(self, action: Action, steps: Mapping[ChannelId, Step]) -> None:
        """Posting notes no beginning where there was one: a kill after the post must not find the action untouched."""
        for channel_id, step in steps.items():
            begun_at = step.begun_at or self._clock.now()
            await self._keep(lambda: self._journal.begin_step(action.id, channel_id, begun_at))  # noqa: B023 - awaited at once

    async def _report_again(self, known: JournalEntry) -> None:
        try:
            await self._answering.report_again(known)
        except ShutdownRequested:
            return

    async def _process(self, entry: JournalEntry) -> None:
        try:
            if entry.state is not ActionState.COMPLETED:
                self._stop.raise_if_requested()
                entry = await self._complete(entry)
            await self._answering.report(entry)
        except ShutdownRequested:
            log.info("action_kept_for_next_start", action=entry.action.id)

    async def _complete(self, entry: JournalEntry) -> JournalEntry:
        started = self._clock.monotonic()
        outcome = await self._dispatch(entry)
        at = self._clock.now()
        action = entry.action
        await self._keep(lambda: self._journal.set_outcome(action.id, outcome, at))
        seconds = round(self._clock.monotonic() - started, 3)
        command = command_name(action.command)
        log.info("action_concluded", command=command, action=action.id, outcome=event_name(outcome), seconds=seconds)
        return JournalEntry(action, entry.taken_at, ActionState.COMPLETED, entry.steps, outcome, at)

    async def _dispatch(self, entry: JournalEntry) -> Outcome:
        try:
            return await self._pack.dispatch(entry)
        except ShutdownRequested:
            raise
        except Exception:
            incident = secrets.token_hex(4)
            log.exception("internal_error", incident=incident, action=entry.action.id)
            return Fatal(f"internal error ({incident})")
