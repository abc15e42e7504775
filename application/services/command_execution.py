"""One execution of a chat command: its requests, their repetition, and the resolution of doubts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, assert_never

import structlog

from application.catalog.specs import AskOperator, CommandSpec, LookFor, Repeat
from application.loop_time import loop_time
from application.ports.chat import Chat
from application.ports.journal import Journal
from application.ports.leases import Leases
from application.resilience.backoff import exponential_backoff
from application.resilience.chat_retry import Outage
from application.resilience.interception import PortCall, intercepted
from application.resilience.lease_check import LeaseCheck
from application.resilience.persistence import Persistence
from application.resilience.shutdown import Shutdown
from application.resilience.troubles import Troubles
from application.services.channel_turns import ChannelTurns, Turn
from application.services.doubts import Doubts
from application.services.first_requests import begin_step
from application.services.pauses import Pauses
from application.use_cases.chat_use_case import EXECUTION, ChatUseCase, CommandCall, Findable, Preparable, Services
from application.use_cases.command_handler import CommandRequest
from application.use_cases.command_input import CommandInput
from domain.actions import Step, StepName
from domain.commands import ChatCommand
from domain.errors import ChatRejected, InDoubt, RateLimited, Unreachable
from domain.json_values import JsonObject

log = structlog.get_logger()

_PREPARATION = StepName("preparation")
"""The journal step that keeps what a use case has prepared."""


@dataclass(frozen=True, slots=True)
class ExecutionTools:
    """What executions share."""

    chat: Chat
    """The chat service without a retry policy."""
    services: Services
    journal: Journal
    leases: Leases
    turns: ChannelTurns
    doubts: Doubts
    pauses: Pauses
    shutdown: Shutdown


class _RecordedRequest:
    """Policy: records in the journal that a request is about to be sent, unless it certainly had no effect."""

    def __init__(self, tools: ExecutionTools, request: CommandRequest[ChatCommand], turn: Turn) -> None:
        self._tools = tools
        self._action_id = request.action_id
        self._lease = turn.lease
        self._begun_at = execution_step(request).begun_at
        self.is_in_doubt = self._begun_at is not None
        self.sent_at = tools.doubts.sent_at(self._begun_at) if self._begun_at else 0.0
        """When the last request was sent, in the event loop's time."""

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        if self._begun_at is None:
            now = self._tools.chat.now()
            self._begun_at = await begin_step(self._tools.journal, self._action_id, EXECUTION, self._lease, at=now)
        else:
            await self._tools.leases.check(self._lease)
        self.sent_at = loop_time()
        try:
            return await call.perform()
        except InDoubt:
            self.is_in_doubt = True
            raise
        except (RateLimited, Unreachable, ChatRejected):
            await self._undo()
            raise

    async def settle(self) -> None:
        """The request that was in doubt had no effect."""
        self.is_in_doubt = False
        await self._undo()

    async def _undo(self) -> None:
        """Undoes the record of a request without effect, so that the next start does not take it for one in doubt."""
        if not self.is_in_doubt:
            await self._tools.journal.undo_begin_step(self._action_id, EXECUTION, self._lease)
            self._begun_at = None


class CommandExecution:
    """A command whose turn it is."""

    def __init__(
        self,
        tools: ExecutionTools,
        spec: CommandSpec,
        use_case: ChatUseCase,
        request: CommandRequest[ChatCommand],
        turn: Turn,
    ) -> None:
        self._tools = tools
        self._spec = spec
        self._use_case = use_case
        self._request = request
        self._turn = turn
        self._record = _RecordedRequest(tools, request, turn)
        self._failure: InDoubt | Unreachable = turn.overdue
        """The error to report if the time is over."""
        self._outage = Outage(tools.shutdown)
        self._troubles = Troubles()
        self._pauses = exponential_backoff(1, 60)
        self._was_in_doubt = False
        """Sent again although a doubt could not be resolved."""
        self._unsettled: InDoubt | None = None
        """The error to report if no request succeeds after one that may have taken effect."""
        given, chat = CommandInput(request.command.input), self._persistent(tools.chat)
        self._call = CommandCall(request, given, tools.services, chat, _prepared(request))

    async def run(self) -> JsonObject:
        """Executes the command or resumes it, and returns the results. Raises ChatError and ShutdownRequested."""
        if isinstance(self._spec.in_doubt, LookFor) and not isinstance(self._use_case, Findable):
            return await self._use_case.execute(self._call)  # a post: its sender looks for it
        if self._record.is_in_doubt:
            found = await self._settle(InDoubt("in_doubt", "the pack was stopped while it executed the command"))
            if found is not None:
                return found
        return await self._execute_until_done()

    async def _execute_until_done(self) -> JsonObject:
        while True:
            if self._turn.patience.left <= 0:
                raise self._failure
            try:
                return await self._attempt() | ({"inDoubt": True} if self._was_in_doubt else {})
            except InDoubt as doubt:
                if (found := await self._settle(doubt)) is not None:
                    return found
            except ChatRejected as rejection:
                if self._is_proof(rejection):
                    log.info("doubt_resolved", was_sent=True)
                    return self._unknown_results()
                if self._was_in_doubt:
                    raise _unsettled(f"sent again, it failed: {rejection}") from rejection
                raise
            except Unreachable as error:
                if self._unsettled is not None:
                    raise self._unsettled from error
                raise

    def _unknown_results(self) -> JsonObject:
        """Returns empty results, except for those that the input had to name: it still does."""
        named = [name for names in self._spec.required for name in names if self._call.input.text(name)]
        return {name: "" for name in self._spec.results if name not in named}

    async def _attempt(self) -> JsonObject:
        if isinstance(self._use_case, Preparable) and not self._call.prepared:
            self._call = replace(self._call, prepared=await self._prepare(self._use_case))
        is_repeatable = self._spec.in_doubt == Repeat()
        policy = LeaseCheck(self._tools.leases, self._turn.lease) if is_repeatable else self._record
        chat = intercepted(self._tools.chat, policy)
        return await self._use_case.execute(replace(self._call, chat=self._persistent(chat)))

    async def _prepare(self, use_case: Preparable) -> JsonObject:
        prepared = await use_case.prepare(self._call)
        journal, action_id, lease = self._tools.journal, self._request.action_id, self._turn.lease
        await journal.begin_step(action_id, _PREPARATION, lease, at=self._tools.chat.now())
        await journal.complete_step(action_id, _PREPARATION, lease, result=prepared)
        return prepared

    async def _settle(self, doubt: InDoubt) -> JsonObject | None:
        """Returns the results of a request that took effect after all; None if it is to be made again."""
        fields = {"command": self._spec.name, "reason": doubt.explanation}
        if self._troubles.is_new(doubt.explanation):
            log.warning("command_in_doubt", **fields)
        else:
            log.debug("command_in_doubt", **fields)
        match self._spec.in_doubt:
            case Repeat():
                self._tools.doubts.on_repeated()
                self._failure = self._unsettled = _unsettled(doubt.explanation)
                await self._outage.wait(self._failure, self._turn.patience.left)
            case LookFor():
                return await self._look_for(doubt)
            case AskOperator():
                await self._ask_operator(f"{doubt.explanation}; Slack can't be asked")
            case rule:
                assert_never(rule)
        return None

    async def _look_for(self, doubt: InDoubt) -> JsonObject | None:
        doubts, sent_at, use_case = self._tools.doubts, self._record.sent_at, self._use_case
        assert isinstance(use_case, Findable)  # noqa: S101 - otherwise its doubts are none of ours
        chat = self._persistent(self._tools.chat, lambda: max(self._turn.patience.left, doubts.seconds_left(sent_at)))
        try:
            found = await doubts.look_for(partial(use_case.find, replace(self._call, chat=chat)), sent_at)
        except (ChatRejected, Unreachable) as error:
            await self._ask_operator(f"{doubt.explanation}; {error.explanation}")
            return None
        log.info("doubt_resolved", was_sent=found is not None)
        if found is None:
            self._failure = doubt
            await self._record.settle()
        return found

    async def _ask_operator(self, reason: str) -> None:
        """Returns when the request is to be made again. Raises InDoubt if it is not."""
        self._failure = self._unsettled = _unsettled(reason)
        self._tools.doubts.ask_operator(self._unsettled, self._turn.patience)
        self._was_in_doubt = True
        # Sooner, doubtful copies would fill the channel.
        await self._tools.shutdown.sleep(min(next(self._pauses), self._turn.patience.left))

    def _is_proof(self, rejection: ChatRejected) -> bool:
        """Whether the rejection of a repeat shows that an earlier request took effect."""
        rule = self._spec.in_doubt
        return self._record.is_in_doubt and isinstance(rule, Repeat) and rejection.code == rule.settled_by

    def _persistent(self, chat: Chat, seconds_left: Callable[[], float] | None = None) -> Chat:
        tools, turn = self._tools, self._turn
        left = seconds_left or (lambda: turn.patience.left)
        return intercepted(chat, Persistence(tools.shutdown, tools.pauses, turn.queue, left))


def execution_step(request: CommandRequest[ChatCommand]) -> Step:
    """Returns what an earlier run recorded of the request whose effect may be in doubt."""
    return request.steps.get(EXECUTION, Step())


def _prepared(request: CommandRequest[ChatCommand]) -> JsonObject:
    result = request.steps.get(_PREPARATION, Step()).result
    return result if isinstance(result, dict) else {}


def _unsettled(reason: str) -> InDoubt:
    advice = "check in Slack before sending the command again"
    return InDoubt("in_doubt", f"the command may or may not have taken effect ({reason}); {advice}")
