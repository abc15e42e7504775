"""Watches the calls of a port. Unlike a policy, an observer changes nothing, and costs a fraction of one."""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

from application.ports.storage import Storage
from application.resilience.interception import WrappedStorage

P = TypeVar("P")

Observe: TypeAlias = Callable[[tuple[Any, ...], float, Any, Exception | None], None]
"""Is told of a call that has ended: its positional arguments, its seconds, its result, and the error instead of one."""

ObserverOf: TypeAlias = Callable[[str], Observe | None]
"""Returns what observes a method, such as `post` or, for a part of a storage, `outbox.append`; None: nothing does."""


def observed(port: P, observer_of: ObserverOf, monotonic: Callable[[], float], prefix: str = "") -> P:
    """Returns the port with its coroutine methods observed. Calls that are cancelled are not told of."""
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
            if observe := self._observer_of(self._prefix + name):
                attribute = _watched(attribute, observe, self._monotonic)
        elif not inspect.ismethod(attribute):
            return attribute
        setattr(self, name, attribute)  # looked up once, unlike values, which may change
        return attribute


def _watched(function: Callable[..., Any], observe: Observe, monotonic: Callable[[], float]) -> Callable[..., Any]:
    async def execute(*arguments: Any, **keywords: Any) -> Any:
        began_at = monotonic()
        try:
            result = await function(*arguments, **keywords)
        except Exception as error:
            observe(arguments, monotonic() - began_at, None, error)
            raise
        observe(arguments, monotonic() - began_at, result, None)
        return result

    return execute
