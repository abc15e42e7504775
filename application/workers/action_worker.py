"""Take actions, note them in the journal, carry them out, and answer them."""

import asyncio
import secrets
from collections.abc import Coroutine, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import structlog

from application.policies import LOOK_SECONDS
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.ports.workflow import Workflow
from application.resilience.backoff import growing_pauses
from application.resilience.circuit_breaker import EngineLine
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.resilience.storage_retry import Safekeeping
from application.services.poll_schedule import Polling
from application.services.result_reporter import Answering
from application.use_cases.dispatcher import Pack
from domain.actions import Action, ActionState, JournalEntry, Step
from domain.channels import ChannelId
from domain.commands import SendMessage, SendRichMessage, command_name
from domain.errors import NotTaken, RaceLost, WorkflowError, WorkflowInDoubt
from domain.events import Fatal, Outcome, event_name

log = structlog.get_logger()

_SWALLOWED_SINCE = timedelta(hours=1)
"""How far back to look for the post of an action that the engine holds to be in hand and the journal does not have."""
_NEXT_QUESTION_SECONDS = 10.0
"""Between two questions what is in hand: a heavy one."""
_FAILED_TAKES = 8
"""In a row: a race is lost now and then, not that often."""


class ActionWorker:
    """The way of an action: taken, in the journal, carried out, concluded in the journal, answered."""

    def __init__(
        self,
        workflow: Workflow,
        storage: Storage,
        pack: Pack,
        answering: Answering,
        polling: Polling,
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
        self._in_hand = 0
        self._doubtful_since: datetime | None = None
        """Since when an action may have been given out that the journal does not have; None: there can be none."""
        self._next_question_at = 0.0
        self._lost = False
        """An action was taken that the journal could not be given before the end."""
        self._one_finished = asyncio.Event()
        self._hands: asyncio.TaskGroup

    async def run(self) -> None:
        """Work until the pack ends: first what the journal holds, then what the engine gives out.

        Returns when no request is under way any more; what waits stays in the journal.
        """
        began_at = self._clock.now()
        self._doubtful_since = await self._keep(lambda: self._journal.begin_taking(began_at))
        async with asyncio.TaskGroup() as self._hands:
            try:
                await self._adopt()
                self._hands.create_task(self._adopt_now_and_then(), name="adopt actions")
                await self._settle_doubt()
                while True:
                    await self._take()
            except ShutdownRequested:
                pass
        if self._doubtful_since is None and not self._lost:
            await self._keep(self._journal.end_taking)

    async def _adopt(self) -> None:
        while entries := await self._keep(lambda: self._journal.adopt(100)):
            for entry in entries:
                self._begin(self._work(entry), entry.action)
            log.info("journal_resumed", actions=len(entries))

    async def _adopt_now_and_then(self) -> None:
        """Notice what an operator put back, and what another process lost."""
        try:
            while True:
                await self._stop.pause(LOOK_SECONDS)
                await self._adopt()
        except ShutdownRequested:
            return

    async def _settle_doubt(self) -> None:
        if self._doubtful_since is None or self._clock.monotonic() < self._next_question_at:
            return
        self._next_question_at = self._clock.monotonic() + _NEXT_QUESTION_SECONDS
        if await self._recover_swallowed(self._doubtful_since):
            self._doubtful_since = None  # not before: a stop in the middle leaves the doubt to the next start

    async def _recover_swallowed(self, since: datetime) -> bool:
        """Take in what the engine gave out and the journal does not have: a crash or a broken connection swallowed it.
        False when the engine did not answer.

        What is on its way into the journal at this moment may be taken in twice, which does no harm.
        """
        try:
            actions = await self._line(lambda: self._workflow.in_hand(since))
        except WorkflowError as error:
            log.warning("actions_in_hand_unknown", reason=str(error))
            return False
        for action in actions:
            if await self._keep(lambda action=action: self._journal.load(action.id)) is None:  # type: ignore[misc] # mypy has no type for a lambda with a default
                log.warning("swallowed_action_recovered", action=action.id, command=command_name(action.command))
                self._begin(self._accept(action, self._clock.now(), self._suspicion(action)), action)
        return True

    def _suspicion(self, action: Action) -> Mapping[ChannelId, Step]:
        """As if its post had begun: a replica with a storage of its own may have the action in hand."""
        if not isinstance(action.command, SendMessage | SendRichMessage):
            return {}
        return {action.command.message.channel_id: Step(begun_at=self._clock.now() - _SWALLOWED_SINCE)}

    async def _take(self) -> None:
        await self._room()
        await self._keep.until_working()
        if pause := self._polling.pause_before_take():
            await self._stop.pause(pause)
        action = await self._ask()
        if action is not None:
            self._polling.note_found()
            self._begin(self._accept(action, self._clock.now()), action)
        await self._settle_doubt()
        if action is None:
            await self._stop.pause(self._polling.spend_empty())
            await self._stop.wait(self._polling.pause_after_empty(), self._polling.wake)
        elif pause := self._polling.pause_after_found():
            await self._stop.wait(pause, self._polling.wake)

    async def _room(self) -> None:
        while self._in_hand >= self._journal_limit:
            log.warning("journal_full", actions=self._in_hand)
            self._one_finished.clear()
            await self._stop.wait(None, self._one_finished)

    async def _ask(self) -> Action | None:
        """One action, or None; a race lost to another replica is no reason to wait long, a failing engine is."""
        for failed, pause in enumerate(growing_pauses(0.05, 10)):
            self._polling.wake.clear()
            asked_at = self._clock.now()
            if failed >= _FAILED_TAKES:
                self._line.report_failing("fails when asked for actions")
            try:
                return await self._line(self._workflow.take)
            except RaceLost:
                log.debug("race_for_action_lost")
            except WorkflowInDoubt as doubt:
                self._doubtful_since = self._doubtful_since or asked_at
                log.warning("take_in_doubt", reason=str(doubt))
            except (NotTaken, WorkflowError) as error:
                log.warning("take_failed", reason=str(error), again_in_seconds=round(pause, 2))
            await self._stop.pause(max(pause, self._polling.spend_empty()))
        raise AssertionError("the pauses have no end")

    def _begin(self, work: Coroutine[None, None, None], action: Action) -> None:
        self._in_hand += 1
        task = self._hands.create_task(work, name=f"action {action.id}")
        task.add_done_callback(self._note_finished)

    def _note_finished(self, _task: "asyncio.Task[None]") -> None:
        self._in_hand -= 1
        self._one_finished.set()
        self._polling.hurry_after_answer()

    async def _accept(
        self, action: Action, at: datetime, steps: Mapping[ChannelId, Step] = MappingProxyType({})
    ) -> None:
        """Note a taken action in the journal, and carry it out unless it is known already."""
        try:
            known = await self._keep(lambda: self._journal.take_in(action, at))
            if known is None:
                await self._note_begun(action, steps)
        except ShutdownRequested:
            self._lost = True
            log.error("action_not_noted", action=action.id, command=command_name(action.command))  # noqa: TRY400 - no bug
            return
        if known is None:
            await self._work(JournalEntry(action, at, steps=steps))
        elif known.state is ActionState.FINISHED:
            log.warning("action_given_out_again", action=action.id)
            await self._answer_again(known)

    async def _note_begun(self, action: Action, steps: Mapping[ChannelId, Step]) -> None:
        """Posting notes no beginning where there was one: a kill after the post must not find the action untouched."""
        for channel_id, step in steps.items():
            begun_at = step.begun_at or self._clock.now()
            await self._keep(lambda: self._journal.begin(action.id, channel_id, begun_at))  # noqa: B023 - awaited at once

    async def _answer_again(self, known: JournalEntry) -> None:
        try:
            await self._answering.answer_again(known)
        except ShutdownRequested:
            return

    async def _work(self, entry: JournalEntry) -> None:
        try:
            if entry.state is not ActionState.CONCLUDED:
                self._stop.check()
                entry = await self._conclude(entry)
            await self._answering.answer(entry)
        except ShutdownRequested:
            log.info("action_kept_for_next_start", action=entry.action.id)

    async def _conclude(self, entry: JournalEntry) -> JournalEntry:
        started = self._clock.monotonic()
        outcome = await self._carry_out(entry)
        at = self._clock.now()
        action = entry.action
        await self._keep(lambda: self._journal.conclude(action.id, outcome, at))
        seconds = round(self._clock.monotonic() - started, 3)
        command = command_name(action.command)
        log.info("action_concluded", command=command, action=action.id, outcome=event_name(outcome), seconds=seconds)
        return JournalEntry(action, entry.taken_at, ActionState.CONCLUDED, entry.steps, outcome, at)

    async def _carry_out(self, entry: JournalEntry) -> Outcome:
        try:
            return await self._pack.carry_out(entry)
        except ShutdownRequested:
            raise
        except Exception:
            incident = secrets.token_hex(4)
            log.exception("internal_error", incident=incident, action=entry.action.id)
            return Fatal(f"internal error ({incident})")
