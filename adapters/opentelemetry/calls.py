"""Calls of ports as spans below the one that the task works on."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias, TypeVar, cast

from opentelemetry.trace import SpanKind

from adapters.opentelemetry.spans import Attributes, Span, Tracer, current
from application.resilience.interception import PortCall
from application.resilience.observation import Observer, observed
from domain.errors import ChatError

P = TypeVar("P")

Handler: TypeAlias = Callable[[PortCall], Awaitable[Any]]
"""What is done instead of a call."""

_SHORT_SECONDS: Final = 0.01
"""A quicker call needs no span, unless it fails."""
_SHORT: Final = round(_SHORT_SECONDS * 1e9)
_NEXT_ATTEMPT: Final = "wait for another attempt"


def handled(port: P, handlers: Mapping[str, Handler], prefix: str = "") -> P:
    """Returns the port with handlers around some of its methods, by name; `prefix` goes before the names."""
    return cast("P", _Handled(port, handlers, prefix))


class _Handled:
    def __init__(self, port: object, handlers: Mapping[str, Handler], prefix: str) -> None:
        self._port = port
        self._handlers = handlers
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        method = self._prefix + name
        if (handler := self._handlers.get(method)) is None:
            if inspect.isroutine(attribute):
                setattr(self, name, attribute)  # looked up once, unlike values, which may change
            return attribute

        async def execute(*arguments: Any, **keywords: Any) -> Any:
            return await handler(PortCall(method, arguments, keywords, attribute))

        setattr(self, name, execute)
        return execute


class SlowCalls:
    """Gives spans to those calls of a port that take long or fail, below the span that the task works on."""

    def __init__(self, tracer: Tracer, monotonic: Callable[[], float], prefix: str) -> None:
        """`prefix` goes before the names of the methods in the names of the spans."""
        self._tracer = tracer
        self._monotonic = monotonic
        self._prefix = prefix

    def observed(self, port: P, handlers: Mapping[str, Handler], prefix: str = "") -> P:
        """Returns the port with its calls observed, besides those that have a handler, which may use `perform`."""

        def observer_of(method: str) -> Observer | None:
            return None if method in handlers else self._observer_of(method)

        return handled(observed(port, observer_of, self._monotonic, prefix), handlers, prefix)

    async def perform(self, call: PortCall, span: Span | None = None) -> Any:
        """Makes a call that has a handler; `span`: below this one."""
        span = span or current.get()
        if span is None or not span.is_sampled:
            return await call.perform()
        begun_at = self._tracer.now()
        try:
            result = await call.perform()
        except Exception as error:
            self._add(span, call.method, begun_at, self._tracer.now(), error)
            raise
        if (ended_at := self._tracer.now()) - begun_at >= _SHORT:
            self._add(span, call.method, begun_at, ended_at, None)
        return result

    def _observer_of(self, method: str) -> Observer:
        def on_return(_: tuple[Any, ...], __: Any, seconds: float) -> None:
            if seconds >= _SHORT_SECONDS:
                self._on_ended(method, seconds, None)

        def on_error(_: tuple[Any, ...], error: Exception, seconds: float) -> None:
            self._on_ended(method, seconds, error)

        return Observer(on_return, on_error)

    def _on_ended(self, method: str, seconds: float, error: Exception | None) -> None:
        if (span := current.get()) is not None:
            ended_at = self._tracer.now()
            self._add(span, method, ended_at - round(seconds * 1e9), ended_at, error)

    def _add(self, span: Span, method: str, begun_at: int, ended_at: int, error: Exception | None) -> None:
        tracer, reason = self._tracer, error_type(error) if error else ""
        tracer.explain(span, begun_at)
        tracer.add(span.context, f"{self._prefix}{method}", begun_at, ended_at, kind=SpanKind.CLIENT, error=reason)
        span.explained_until = max(span.explained_until, ended_at)
        if error:
            span.next_wait = _NEXT_ATTEMPT


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
