"""Watches the calls of a port. Unlike a policy, an observer changes nothing, and costs a fraction of one."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

from application.ports.storage import Storage
from application.resilience.incidents import log_incident
from application.resilience.interception import WrappedStorage

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Observer:
    """Callbacks for the calls of one method. An exception in one is logged and does not affect the call."""

    on_return: Callable[[tuple[Any, ...], Any, float], None]
    """Receives the positional arguments, the result and the duration in seconds of a call that has returned."""
    on_error: Callable[[tuple[Any, ...], Exception, float], None] | None = None
    """Receives the arguments, the error and the duration of a call that has failed. Cancelled calls are not
    reported."""


ObserverOf: TypeAlias = Callable[[str], Observer | None]
"""Returns the observer of a method, such as `post` or, for a part of a storage, `outbox.append`; None if there is
none."""


def observed(port: P, observer_of: ObserverOf, monotonic: Callable[[], float], prefix: str = "") -> P:
    """Returns the port with its coroutine methods observed, as far as they have an observer."""
    return cast("P", _Observed(port, observer_of, monotonic, prefix))


class ObservedStorage(WrappedStorage):
    """A storage with its parts observed."""

    def __init__(self, storage: Storage, observer_of: ObserverOf, monotonic: Callable[[], float]) -> None:
        super().__init__(storage, lambda part, prefix: observed(part, observer_of, monotonic, prefix))


class _Observed:
    def __init__(self, port: object, observer_of: ObserverOf, monotonic: Callable[[], float], prefix: str) -> None:
        self._port = port
        self._observer_of = observer_of
        self._monotonic = monotonic
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if inspect.iscoroutinefunction(attribute):
            if observer := self._observer_of(self._prefix + name):
                attribute = _watched(attribute, observer, self._monotonic)
        elif not inspect.ismethod(attribute):
            return attribute
        setattr(self, name, attribute)  # looked up once, unlike values, which may change
        return attribute


def _watched(function: Callable[..., Any], observer: Observer, monotonic: Callable[[], float]) -> Callable[..., Any]:
    on_return, on_error = observer.on_return, observer.on_error

    async def execute(*arguments: Any, **keywords: Any) -> Any:
        began_at = monotonic()
        try:
            result = await function(*arguments, **keywords)
        except Exception as error:
            if on_error is not None:
                try:
                    on_error(arguments, error, monotonic() - began_at)
                except Exception:  # noqa: BLE001 - a bug, which must not replace the error
                    log_incident()
            raise
        try:
            on_return(arguments, result, monotonic() - began_at)
        except Exception:  # noqa: BLE001 - a bug, which must not make the call fail
            log_incident()
        return result

    return execute
