"""The second half of a trace: from an action that the workflow engine gives out to its outcome."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from opentelemetry.trace import SpanKind

from adapters.opentelemetry.attributes import PROCESS, SEND, of_action
from adapters.opentelemetry.bounded_cache import BoundedCache
from adapters.opentelemetry.calls import Handler, Method, error_type, request
from adapters.opentelemetry.sent_events import SentEvents
from adapters.opentelemetry.spans import Span, Tracer, current, nanoseconds
from adapters.opentelemetry.trace_parents import load_trace_parent
from adapters.serialization.event_payloads import event_name
from application.catalog.outcomes import summary_of
from domain.actions import Action, ActionId, JournalEntry
from domain.commands import command_name
from domain.errors import LeaseLost
from domain.events import Outcome

_WAIT_IN_ENGINE: Final = "wait in Flyte"
_WAIT_IN_JOURNAL: Final = "wait in journal"
_WAIT_FOR_TURN: Final = "wait for turn"
_WAIT_FOR_PACE: Final = "wait for pace"


class ActionTraces:
    """Continues the trace that an action's input names, or begins one, and follows the action to its outcome."""

    def __init__(self, tracer: Tracer, sent: SentEvents) -> None:
        self._tracer = tracer
        self._sent = sent
        self._asked_at: BoundedCache[ActionId, int] = BoundedCache()
        """The times of the requests that found actions which are not recorded yet."""
        self._processing: BoundedCache[ActionId, Span] = BoundedCache()

    def storage_handlers(self) -> Mapping[str, Handler]:
        """Returns the handlers of calls of the journal and the rate limiter."""
        return {
            "journal.record": self._record,
            "journal.give_back": self._give_back,
            "journal.set_outcome": self._set_outcome,
            "rate_limiter.reserve": self._reserve,
        }

    async def take(self, take: Method) -> Action | None:
        """The span of an action begins with the request that found it."""
        asked_at = self._tracer.now()
        action: Action | None = await take()
        if action is None:
            return None
        self._asked_at[action.id] = asked_at
        return self._sent.with_cause(action)

    async def dispatch(self, dispatch: Method, entry: JournalEntry) -> Any:
        """Executes an action, whose span becomes the current one of the task."""
        span = self._follow(entry)
        try:
            outcome = await dispatch(entry)
        except BaseException as error:
            self._forget(entry.action.id, error_type(error))
            raise
        span.error = summary_of(entry.action.command, outcome).code
        return outcome

    async def report(self, report: Method, entry: JournalEntry, **options: Any) -> None:
        """Reports an outcome, which ends the action."""
        self._follow(entry)
        error = ""
        try:
            await report(entry, **options)
        except BaseException as raised:
            error = error_type(raised)
            raise
        finally:
            self._forget(entry.action.id, error)

    async def complete(self, complete: Method, action_id: ActionId, outcome: Outcome, at: datetime) -> None:
        """Sends the outcome, with the trace context if payloads are to carry it."""
        if (span := current.get()) is None:
            await complete(action_id, outcome, at)
            return
        attributes = {**span.attributes, "messaging.operation.type": SEND}
        with request(self._tracer, span, f"send {event_name(outcome)}", SpanKind.PRODUCER, attributes) as sent:
            await complete(action_id, outcome, at, **self._sent.announcement(sent))
        self._sent.add(sent, self._tracer.now())

    def end_all(self) -> None:
        """Ends what is not complete when the pack stops."""
        for action_id in list(self._processing):
            self._forget(action_id, "stopped")

    async def _record(self, record: Method, action: Action, **options: Any) -> Any:
        """Begins to process an action, unless it is known already. From now on, its trace continues below this span."""
        span = self._begin(action, self._asked_at.pop(action.id, None))
        before = current.set(span)
        known = await record(replace(action, trace_parent=span.trace_parent), **options)
        if known is None:
            self._processing[action.id] = span
        else:
            current.reset(before)
        return known

    def _follow(self, entry: JournalEntry) -> Span:
        """Makes the action's span the current one of the task. An earlier process may have begun the action."""
        action = entry.action
        span = self._processing.get(action.id)
        if span is None:
            span = self._processing[action.id] = self._begin(action)
            if span.parent is not None:
                self._tracer.add_wait(span.parent, _WAIT_IN_JOURNAL, nanoseconds(entry.taken_at), span.begun_at)
        current.set(span)
        return span

    def _begin(self, action: Action, asked_at: int | None = None) -> Span:
        parent, answered = load_trace_parent(action.trace_parent), self._sent.answered_by(action)
        name, attributes = f"process {command_name(action.command)}", of_action(PROCESS, action)
        span = self._tracer.begin(name, SpanKind.CONSUMER, attributes, parent, asked_at)
        span.next_wait = _WAIT_FOR_TURN
        if answered is not None and parent is None:
            span.link(answered)
        if parent is not None and (accepted_at := self._sent.accepted_at(parent)) is not None:
            self._tracer.add_wait(parent, _WAIT_IN_ENGINE, accepted_at, span.begun_at)
        return span

    async def _give_back(self, give_back: Method, action_id: ActionId) -> None:
        try:
            await give_back(action_id)
        finally:
            self._forget(action_id, "given_back")

    async def _set_outcome(self, set_outcome: Method, action_id: ActionId, outcome: Outcome) -> Any:
        try:
            return await set_outcome(action_id, outcome)
        except LeaseLost:
            self._forget(action_id, LeaseLost.__name__)
            raise

    async def _reserve(self, reserve: Method, *arguments: Any) -> Any:
        if (seconds := await reserve(*arguments)) and (span := current.get()) is not None:
            self._tracer.expect(span, _WAIT_FOR_PACE)
        return seconds

    def _forget(self, action_id: ActionId, error: str) -> None:
        """Ends the action's span, which is no longer the current one of the task."""
        if (span := self._processing.pop(action_id, None)) is not None:
            self._tracer.end(span, error)
            if current.get() is span:
                current.set(None)
