"""Event feed of a simulated server: listeners, subscriptions, and waits for a condition."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, Self, TypeVar
from weakref import WeakSet

Event = TypeVar("Event")
Truth = TypeVar("Truth")

MAX_PENDING_EVENTS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedEvent:
    """An event; `at` is a time of the monotonic clock, in seconds."""

    at: float = field(default_factory=time.monotonic)


class Subscription(Generic[Event]):
    """The events published since `EventFeed.subscribe`, oldest first, until the feed is closed.

    At most `limit` events are pending; beyond that the oldest are dropped, and `dropped` counts them.
    """

    def __init__(self, limit: int = MAX_PENDING_EVENTS) -> None:
        self.dropped = 0
        self._pending: deque[Event] = deque(maxlen=limit)
        self._changed = asyncio.Event()
        self._is_closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._pending:
            if self._is_closed:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._pending.popleft()

    def drain(self) -> list[Event]:
        """Returns all pending events without waiting."""
        events = list(self._pending)
        self._pending.clear()
        return events

    def publish(self, event: Event) -> None:
        """Adds an event."""
        self.dropped += len(self._pending) == self._pending.maxlen
        self._pending.append(event)
        self._changed.set()

    def close(self) -> None:
        """Ends the iteration after the pending events."""
        self._is_closed = True
        self._changed.set()


class EventFeed(ABC, Generic[Event]):
    """Publishes events to listeners and subscriptions. Not thread-safe."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Event], None]] = []
        """Called with each event as it is published; they must neither block nor change the server."""
        self._subscriptions: WeakSet[Subscription[Event]] = WeakSet()
        self._changed = asyncio.Event()

    def publish(self, event: Event) -> None:
        """Passes an event to all listeners and subscriptions."""
        for listener in self.listeners:
            listener(event)
        if self._subscriptions:  # to begin an iteration over weak references takes a while
            for subscription in self._subscriptions:
                subscription.publish(event)
        self.notify()

    def notify(self) -> None:
        """Re-evaluates the conditions of `wait_for`, after a change without an event."""
        self._changed.set()
        self._changed = asyncio.Event()

    def subscribe(self) -> Subscription[Event]:
        """Subscribes to all events from now on, for as long as the caller holds the subscription."""
        subscription: Subscription[Event] = Subscription()
        self._subscriptions.add(subscription)
        return subscription

    async def wait_for(self, condition: Callable[[], Truth], timeout: float = 5.0) -> Truth:  # noqa: ASYNC109 - the error names it
        """Returns the condition's value once it is true; evaluates it now and after every change.

        Raises TimeoutError after `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (value := condition()):
                    await self._changed.wait()
                return value
        except TimeoutError as error:
            raise TimeoutError(f"the condition did not hold within {timeout:g} s; {self.progress()}") from error

    def close(self) -> None:
        """Closes all subscriptions."""
        for subscription in self._subscriptions:
            subscription.close()

    @abstractmethod
    def progress(self) -> str:
        """Describes what has happened so far, for errors."""
