"""Calls of ports as spans below the current span of the task."""

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar, cast

from opentelemetry.trace import SpanKind

from adapters.opentelemetry.spans import Attributes, Span, Tracer, current
from application.resilience.observation import Observer, observed
from domain.errors import ChatError

P = TypeVar("P")

Method: TypeAlias = Callable[..., Awaitable[Any]]
"""A coroutine method of a port."""
Handler: TypeAlias = Callable[..., Awaitable[Any]]
"""Replaces a call: receives the method and its arguments."""

_SHORT_SECONDS: Final = 0.01
"""A quicker call needs no span, unless it fails."""
_NEXT_ATTEMPT: Final = "wait for another attempt"


def handled(port: P, handlers: Mapping[str, Handler], prefix: str = "") -> P:
    """Returns the port with handlers around some of its methods, by name; `prefix` goes before the names.

    Unlike a policy, a handler adds only its own frame to a call.
    """
    return cast("P", _Handled(port, handlers, prefix))


class _Handled:
    def __init__(self, port: object, handlers: Mapping[str, Handler], prefix: str) -> None:
        self._port = port
        self._handlers = handlers
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if (handler := self._handlers.get(self._prefix + name)) is not None:
            attribute = partial(handler, attribute)
        elif not inspect.isroutine(attribute):
            return attribute
        setattr(self, name, attribute)  # looked up once, unlike values, which may change
        return attribute


class SlowCalls:
    """Gives spans to those calls of a port that take long or fail, below the current span of the task."""

    def __init__(
        self, tracer: Tracer, monotonic: Callable[[], float], prefix: str, without: Collection[str] = ()
    ) -> None:
        """`prefix` goes before the names of the methods in the names of the spans; `without`: not for these methods."""
        self._tracer = tracer
        self._monotonic = monotonic
        self._prefix = prefix
        self._without = without

    def observed(self, port: P, prefix: str = "") -> P:
        """Returns the port with its calls observed; `prefix` goes before the names of the methods."""
        return observed(port, self._observer_of, self._monotonic, prefix)

    def _observer_of(self, method: str) -> Observer | None:
        if method in self._without:
            return None

        def on_return(_: tuple[Any, ...], __: Any, seconds: float) -> None:
            if seconds >= _SHORT_SECONDS:
                self._on_ended(method, seconds, None)

        def on_error(_: tuple[Any, ...], error: Exception, seconds: float) -> None:
            self._on_ended(method, seconds, error)

        return Observer(on_return, on_error)

    def _on_ended(self, method: str, seconds: float, error: Exception | None) -> None:
        span, tracer = current.get(), self._tracer
        if span is None or not span.is_sampled:
            return
        ended_at = tracer.now()
        begun_at = ended_at - round(seconds * 1e9)
        tracer.explain(span, begun_at)
        reason = error_type(error) if error else ""
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
