"""Traces of the pack: the policies that go around its ports, and how long its spans are exported."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import structlog
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from adapters.opentelemetry.action_traces import ActionTraces
from adapters.opentelemetry.calls import Handler, SlowCalls, handled
from adapters.opentelemetry.event_traces import EventTraces
from adapters.opentelemetry.exporting import resource_of
from adapters.opentelemetry.sent_events import SentEvents
from adapters.opentelemetry.slack_requests import SlackRequests
from adapters.opentelemetry.spans import Tracer
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.resilience.interception import WrappedStorage, intercepted

log = structlog.get_logger()

P = TypeVar("P")

_OTHER_CALLS: Final = (
    *("take", "complete", "outbox.append", "outbox.claim", "outbox.ack", "outbox.dead_letter", "outbox.release"),
    "journal.give_back",
)
"""Calls that begin or end a span, or that no event and no action has to wait for."""
_FLUSH_SECONDS: Final = 2.0
"""The time limit for exporting the last spans when the pack stops."""


class Tracing:
    """Puts policies around ports, and around the parts of the application that work on one event or action."""

    def __init__(
        self, processors: Sequence[SpanProcessor], clock: Clock, version: str, *, in_payload: bool = False
    ) -> None:
        """`in_payload`: whether the payloads of events and outcomes carry the trace context."""
        self._provider = TracerProvider(resource=resource_of(version), shutdown_on_exit=False)
        for processor in processors:
            self._provider.add_span_processor(processor)
        tracer = Tracer(self._provider, processors, clock, version)
        sent = SentEvents(in_payload=in_payload)
        self._engine_calls = SlowCalls(tracer, clock.monotonic, "flyte.", without=_OTHER_CALLS)
        self._storage_calls = SlowCalls(tracer, clock.monotonic, "storage.", without=_OTHER_CALLS)
        self._events = EventTraces(tracer, sent)
        self._actions = ActionTraces(tracer, sent)
        self._slack = SlackRequests(tracer)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Exports spans; at the end for two seconds at most."""
        try:
            yield
        finally:
            self._events.end_all()
            self._actions.end_all()
            await _in_thread(self._provider.shutdown, _FLUSH_SECONDS)

    def slack_client(self, client: P) -> P:
        """Returns the client of Slack's Web API with spans for its requests."""
        return intercepted(client, self._slack)

    def workflow(self, workflow: P) -> P:
        """Returns the workflow engine with spans for what it takes and gives."""
        handlers: Mapping[str, Handler] = {
            "publish": self._events.publish,
            "take": self._actions.take,
            "complete": self._actions.complete,
        }
        return handled(self._engine_calls.observed(workflow), handlers)

    def storage(self, storage: Storage) -> Storage:
        """Returns the storage with the traces of what it keeps, and spans for what takes long."""
        handlers = {**self._events.storage_handlers(), **self._actions.storage_handlers()}
        calls = self._storage_calls
        return WrappedStorage(storage, lambda part, prefix: handled(calls.observed(part, prefix), handlers, prefix))

    def enricher(self, enricher: P) -> P:
        """Returns the part that completes an event, which begins its delivery."""
        return handled(enricher, {"enrich": self._events.enrich})

    def dispatcher(self, dispatcher: P) -> P:
        """Returns the part that executes an action."""
        return handled(dispatcher, {"dispatch": self._actions.dispatch})

    def reporter(self, reporter: P) -> P:
        """Returns the part that reports an outcome."""
        return handled(reporter, {"report": self._actions.report})


async def _in_thread(work: Callable[[], None], seconds: float) -> None:
    """Waits for blocking work that may be left behind."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        work()
        loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="export of spans", daemon=True).start()
    try:
        await asyncio.wait_for(done.wait(), seconds)
    except TimeoutError:
        log.warning("spans_not_exported", seconds=seconds)
