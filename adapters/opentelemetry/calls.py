"""Calls of ports as spans below the one that the task works on."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from opentelemetry.trace import SpanKind

from adapters.opentelemetry.spans import Attributes, Span, Tracer, current
from application.resilience.interception import PortCall
from domain.errors import ChatError

Handler: TypeAlias = Callable[[PortCall], Awaitable[Any]]

_SHORT: Final = 10_000_000
"""Nanoseconds. A quicker call needs no span, unless it fails."""
_NEXT_ATTEMPT: Final = "wait for another attempt"


class TracedCalls:
    """Policy for the calls of a port: those that are slow or fail have spans. Some have a handler of their own."""

    def __init__(self, tracer: Tracer, prefix: str, handlers: Mapping[str, Handler]) -> None:
        """`prefix` goes before the names of the methods in the names of the spans."""
        self._tracer = tracer
        self._prefix = prefix
        self._handlers = handlers

    async def execute(self, call: PortCall) -> Any:
        """Implements Policy."""
        if handler := self._handlers.get(call.method):
            return await handler(call)
        return await self.in_task(call)

    async def in_task(self, call: PortCall) -> Any:
        """Makes the call, as a part of what the task works on, if that is known."""
        span = current.get()
        return await call.perform() if span is None else await self.below(span, call)

    async def below(self, span: Span, call: PortCall) -> Any:
        """Makes the call, with a span below the given one if it is slow or fails."""
        if not span.is_sampled:
            return await call.perform()
        tracer = self._tracer
        begun_at = tracer.now()
        span.calls += 1
        error = ""
        try:
            return await call.perform()
        except BaseException as raised:
            error, span.next_wait = error_type(raised), _NEXT_ATTEMPT
            raise
        finally:
            ended_at = tracer.now()
            span.calls -= 1
            if error or ended_at - begun_at >= _SHORT:
                tracer.explain(span, begun_at)
                tracer.add(
                    span.context, f"{self._prefix}{call.method}", begun_at, ended_at, kind=SpanKind.CLIENT, error=error
                )
                span.explained_until = max(span.explained_until, ended_at)


@contextmanager
def request(tracer: Tracer, span: Span, name: str, kind: SpanKind, attributes: Attributes) -> Iterator[Span]:
    """A request below a span, which has a span in any case."""
    sent = tracer.begin(name, kind, attributes, span.context)
    tracer.explain(span, sent.begun_at)
    span.calls += 1
    try:
        yield sent
    except BaseException as error:
        sent.error, span.next_wait = error_type(error), _NEXT_ATTEMPT
        raise
    else:
        span.next_wait = "wait"
    finally:
        span.calls -= 1
        span.explained_until = ended_at = tracer.now()
        tracer.end(sent, ended_at=ended_at)


def error_type(error: BaseException) -> str:
    """Returns what kind of error it is: the chat service's code, or else the name of the class."""
    return error.code if isinstance(error, ChatError) and error.code.isidentifier() else type(error).__name__
