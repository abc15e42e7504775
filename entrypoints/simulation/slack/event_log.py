"""What happened in the simulated Slack: bounded logs, counters, and a way to wait for or watch what comes next."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from weakref import WeakSet

from entrypoints.simulation.slack.models import JsonObject

Entry = TypeVar("Entry")

MAX_ENTRIES: Final = 100_000
KEPT_CHANGES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: its kind, the monotonic second, and what belongs to the kind.

    Kinds: `event` (event: any Slack event, reaches_bot: whether the bot may hear of it), `post` (channel, ts, text,
    thread_ts), `ephemeral` (channel, user, ts, text), `call` (method, arguments, error), `fault` (method, arguments,
    name), `connected` and `disconnected` (connection, transport), `response` (envelope_id, payload), `delivered`,
    `acknowledged` and `given_up` (event_id, event_type, channel, ts, attempt).
    """

    kind: str
    details: JsonObject
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Post:
    """A message that the bot posted, with every argument of the call that did it."""

    channel: str
    text: str
    ts: str
    thread_ts: str | None
    arguments: JsonObject
    received_at: float


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a Web API method, as it was made; `error` is Slack's answer to it, '' for yes."""

    method: str
    arguments: JsonObject
    received_at: float
    error: str


class Log(list[Entry], Generic[Entry]):
    """A list that forgets its oldest entries when it grows past a bound."""

    def __init__(self, kept: int = MAX_ENTRIES) -> None:
        super().__init__()
        self._kept = kept

    def append(self, entry: Entry, /) -> None:
        """Add an entry; now and then the oldest go, many at once, so that adding stays cheap."""
        super().append(entry)
        if len(self) > self._kept + self._kept // 10:
            del self[: len(self) - self._kept]


class Changes:
    """Everything that happens from now on, as an asynchronous iterator that ends with the server.

    A watcher that falls too far behind misses the oldest; `missed` counts them.
    """

    def __init__(self) -> None:
        self.missed = 0
        self._waiting: deque[Happening] = deque()
        self._woken = asyncio.Event()
        self._is_over = False

    def __aiter__(self) -> "Changes":
        return self

    async def __anext__(self) -> Happening:
        while not self._waiting:
            if self._is_over:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        return self._waiting.popleft()

    def add(self, happening: Happening) -> None:
        """Hand over what happened."""
        if len(self._waiting) >= KEPT_CHANGES:
            self._waiting.popleft()
            self.missed += 1
        self._waiting.append(happening)
        self._woken.set()

    def end(self) -> None:
        """Let the iterator end when it has handed out what it has."""
        self._is_over = True
        self._woken.set()


class SlackLog:
    """The memory of the simulated Slack."""

    def __init__(self) -> None:
        self.posts: Final[Log[Post]] = Log()
        self.calls: Final[Log[Call]] = Log()
        self.counters: Final[Counter[str]] = Counter()
        self.listeners: Final[list[Callable[[Happening], None]]] = []
        """Told of everything as it happens; they must not wait, nor change anything in Slack."""
        self._watchers: WeakSet[Changes] = WeakSet()
        self._next: asyncio.Future[None] | None = None

    def note(self, kind: str, **details: object) -> None:
        """Tell everybody who waits or watches what happened."""
        if self._watchers or self.listeners:
            happening = Happening(kind, details)
            for listener in self.listeners:
                listener(happening)
            for watcher in self._watchers:
                watcher.add(happening)
        self._wake()

    def count(self, name: str) -> None:
        """Count one more of something."""
        self.counters[name] += 1
        self._wake()

    def watch(self) -> Changes:
        """Watch from now on; whoever drops the iterator has stopped watching."""
        watcher = Changes()
        self._watchers.add(watcher)
        return watcher

    async def wait_for(self, predicate: Callable[[], object], timeout_seconds: float) -> None:
        """Return when the predicate holds, looking again after everything that happens. Raises TimeoutError."""
        async with asyncio.timeout(timeout_seconds):
            while not predicate():
                if self._next is None:
                    self._next = asyncio.get_running_loop().create_future()
                await asyncio.shield(self._next)

    def end(self) -> None:
        """End every watch."""
        for watcher in self._watchers:
            watcher.end()

    def _wake(self) -> None:
        if self._next is not None:
            self._next.set_result(None)
            self._next = None
