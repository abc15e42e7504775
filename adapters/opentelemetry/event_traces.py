"""The first half of a trace: from the arrival of an event to its acceptance by the workflow engine."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from opentelemetry.trace import SpanKind

from adapters.opentelemetry.attributes import RECEIVE, SEND, of_entry
from adapters.opentelemetry.bounded_cache import BoundedCache
from adapters.opentelemetry.calls import Handler, Method, error_type
from adapters.opentelemetry.sent_events import SentEvents
from adapters.opentelemetry.spans import Span, Tracer, current, nanoseconds
from adapters.opentelemetry.trace_parents import load_trace_parent
from application.catalog.events import event_spec
from domain.events import PackEvent
from domain.outbox import Claim, InboundEvent, OutboxEntry

_WAIT_IN_OUTBOX: Final = "wait in outbox"
_WAIT_FOR_ENGINE: Final = "wait for Flyte"


class EventTraces:
    """Begins a trace for each event that is stored, and continues it when the event is delivered."""

    def __init__(self, tracer: Tracer, sent: SentEvents) -> None:
        self._tracer = tracer
        self._sent = sent
        self._claimed: BoundedCache[str, OutboxEntry] = BoundedCache()
        """The entries that are to be delivered, by their keys."""
        self._sending: BoundedCache[str, Span] = BoundedCache()

    def storage_handlers(self) -> Mapping[str, Handler]:
        """Returns the handlers of calls of the outbox."""
        return {
            "outbox.append": self._append,
            "outbox.claim": self._claim,
            "outbox.ack": self._ack,
            "outbox.dead_letter": self._dead_letter,
            "outbox.release": self._release,
        }

    async def enrich(self, enrich: Method, event: InboundEvent) -> Any:
        """Begins to deliver an event, whose span becomes the current one of the task."""
        if (entry := self._claimed.get(event.key)) is not None:
            self._sending[entry.key] = span = self._begin_to_send(entry)
            current.set(span)
        return await enrich(event)

    async def publish(self, publish: Method, event: PackEvent, at: datetime) -> None:
        """Publishes the event, with the trace context if payloads are to carry it."""
        if (span := current.get()) is None:
            await publish(event, at)
            return
        await publish(event, at, **self._sent.announcement(span))
        self._sent.add(span, self._tracer.now(), event.event.key)

    async def _append(self, append: Method, entries: Sequence[OutboxEntry], **options: Any) -> Any:
        """The span of each new event begins with its arrival, and ends once the event is stored."""
        spans = [self._begin_to_receive(entry) for entry in entries]
        traced = [replace(entry, trace_parent=span.trace_parent) for entry, span in zip(entries, spans, strict=True)]
        try:
            are_new = await append(traced, **options)
        except BaseException as error:
            for span in spans:
                self._tracer.end(span, error_type(error))
            raise
        stored_at = self._tracer.now()
        for span, is_new in zip(spans, are_new, strict=True):
            if is_new:
                self._tracer.end(span, ended_at=stored_at)
        return are_new

    def _begin_to_receive(self, entry: OutboxEntry) -> Span:
        name, attributes = f"receive {entry.kind.value}", of_entry(RECEIVE, entry)
        return self._tracer.begin(name, SpanKind.CONSUMER, attributes, begun_at=nanoseconds(entry.received_at))

    async def _claim(self, claim: Method, *arguments: Any, **options: Any) -> Any:
        claims: Sequence[Claim] = await claim(*arguments, **options)
        for one in claims:
            for entry in one.entries:
                self._claimed[entry.key] = entry
        return claims

    def _begin_to_send(self, entry: OutboxEntry) -> Span:
        parent = load_trace_parent(entry.trace_parent)
        name, attributes = f"send {event_spec(entry.event).name}", of_entry(SEND, entry)
        span = self._tracer.begin(name, SpanKind.PRODUCER, attributes, parent)
        span.next_wait = _WAIT_FOR_ENGINE
        if parent is not None:
            self._tracer.add_wait(parent, _WAIT_IN_OUTBOX, nanoseconds(entry.received_at), span.begun_at)
        return span

    async def _ack(self, ack: Method, claim: Claim, entry: OutboxEntry, **options: Any) -> None:
        await self._finish(ack(claim, entry, **options), entry)

    async def _dead_letter(self, dead_letter: Method, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        await self._finish(dead_letter(claim, entry, reason), entry, error="dead_letter")

    async def _finish(self, call: Awaitable[None], entry: OutboxEntry, error: str = "") -> None:
        try:
            await call
        except BaseException as raised:
            error = error_type(raised)
            raise
        finally:
            self._forget(entry, error)

    async def _release(self, release: Method, claim: Claim, **options: Any) -> None:
        """Ends the spans of events that were not accepted: the next claim begins new ones."""
        error = "rejected" if options.get("rejected") else "released"
        for entry in claim.entries:
            self._forget(entry, error)
        await release(claim, **options)

    def _forget(self, entry: OutboxEntry, error: str) -> None:
        """Ends the event's span, which is no longer the current one of the task."""
        self._claimed.pop(entry.key, None)
        if (span := self._sending.pop(entry.key, None)) is not None:
            self._tracer.end(span, error)
            if current.get() is span:
                current.set(None)
        elif not error and (parent := load_trace_parent(entry.trace_parent)) is not None:  # an earlier process sent it
            self._tracer.add_wait(parent, _WAIT_IN_OUTBOX, nanoseconds(entry.received_at), self._tracer.now())

    def end_all(self) -> None:
        """Ends what is not complete when the pack stops."""
        for span in self._sending.values():
            self._tracer.end(span, "stopped")
        self._sending.clear()
