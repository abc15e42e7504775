"""Wraps a port in a policy: retry, circuit breaking, recording, fault injection and the like.

A policy sees every coroutine call of the port, and decides how often it is made and what becomes of its result. A new
method of a port needs no change here.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from application.ports.channels import Channels
from application.ports.gaps import Gaps
from application.ports.journal import Journal
from application.ports.leases import Leases
from application.ports.message_keys import MessageKeys
from application.ports.outbox import Outbox
from application.ports.rate_limiter import RateLimiter
from application.ports.receiver import IncomingEvent, Receiver
from application.ports.replicas import Replicas
from application.ports.storage import Storage

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class PortCall:
    """One call of a port's method; it can be made any number of times."""

    method: str
    """`post`; for a part of a storage `outbox.append`."""
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    function: Callable[..., Awaitable[Any]]

    async def perform(self) -> Any:
        """Makes the call, and returns its result."""
        return await self.function(*self.arguments, **self.keywords)


class Policy(Protocol):
    """Decides about calls."""

    async def execute(self, call: PortCall) -> Any:
        """Returns what the caller gets, or raises what it gets."""


def intercepted(port: P, policy: Policy, prefix: str = "") -> P:
    """Returns the port with the policy around each of its coroutine methods. Anything else passes through."""
    return cast("P", _Intercepted(port, policy, prefix))


class _Intercepted:
    def __init__(self, port: object, policy: Policy, prefix: str) -> None:
        self._port = port
        self._policy = policy
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not inspect.iscoroutinefunction(attribute):
            if inspect.ismethod(attribute):
                setattr(self, name, attribute)  # looked up once, unlike values, which may change
            return attribute
        method, policy = self._prefix + name, self._policy

        async def execute(*arguments: Any, **keywords: Any) -> Any:
            return await policy.execute(PortCall(method, arguments, keywords, attribute))

        setattr(self, name, execute)  # looked up once
        return execute


class WrappedStorage:
    """A storage with something around each of its parts."""

    channels: Channels
    gaps: Gaps
    outbox: Outbox
    journal: Journal
    message_keys: MessageKeys
    rate_limiter: RateLimiter
    leases: Leases
    replicas: Replicas

    def __init__(self, storage: Storage, wrap: Callable[[Any, str], Any]) -> None:
        """`wrap` is called with each part, and with the prefix for the names of its methods."""
        self.channels = wrap(storage.channels, "channels.")
        self.gaps = wrap(storage.gaps, "gaps.")
        self.outbox = wrap(storage.outbox, "outbox.")
        self.journal = wrap(storage.journal, "journal.")
        self.message_keys = wrap(storage.message_keys, "message_keys.")
        self.rate_limiter = wrap(storage.rate_limiter, "rate_limiter.")
        self.leases = wrap(storage.leases, "leases.")
        self.replicas = wrap(storage.replicas, "replicas.")
        itself: Storage = wrap(storage, "")
        self.open, self.heartbeat, self.describe = itself.open, itself.heartbeat, itself.describe
        self.subscribe = itself.subscribe


class InterceptedStorage(WrappedStorage):
    """A storage with a policy around each of its parts."""

    def __init__(self, storage: Storage, policy: Policy) -> None:
        super().__init__(storage, lambda part, prefix: intercepted(part, policy, prefix))


class ObservedReceiver:
    """A receiver whose events are shown to an observer before the consumer gets them."""

    def __init__(self, receiver: Receiver, observe: Callable[[IncomingEvent], None]) -> None:
        self._receiver = receiver
        self._observe = observe

    @asynccontextmanager
    async def events(self) -> AsyncIterator[AsyncIterator[IncomingEvent]]:
        """Implements Receiver."""
        async with self._receiver.events() as events:
            yield _ObservedEvents(events, self._observe)


class _ObservedEvents:
    """Not a generator, which would have to be closed."""

    def __init__(self, events: AsyncIterator[IncomingEvent], observe: Callable[[IncomingEvent], None]) -> None:
        self._events = events
        self._observe = observe

    def __aiter__(self) -> AsyncIterator[IncomingEvent]:
        return self

    async def __anext__(self) -> IncomingEvent:
        event = await anext(self._events)
        self._observe(event)
        return event
