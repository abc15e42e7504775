"""A Flyte within the process: packs, events, flows and actions, and looking on, without any network."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.flyte.models import Action, Event, Pack, Run
from entrypoints.simulation.flyte.state import Finish, FlyteWorld
from entrypoints.simulation.flyte.subscription import Subscription
from entrypoints.simulation.flyte.trace import TraceEvent
from entrypoints.simulation.pongo2.rendering import Surroundings

LOG_LIMIT = 100_000
"""How many events and results are kept."""

Truth = TypeVar("Truth")


@dataclass(frozen=True, slots=True)
class Heard:
    """What came in that the flows still have to see: an event, and whose action it answers."""

    event: Event
    action_id: str | None = None


class Flyte:
    """The engine in the event loop that uses it. Flows run just after what they run for came in, not within it."""

    def __init__(
        self,
        *,
        flows: Iterable[Flow] = (),
        surroundings: Surroundings | None = None,
        flow_delay_seconds: float = 0.0,
        kept_runs: int = 10_000,
    ) -> None:
        self.events: deque[Event] = deque(maxlen=LOG_LIMIT)
        self.results: dict[str, Event] = {}
        self.flow_delay_seconds = flow_delay_seconds
        self.listeners: Final[list[Callable[[TraceEvent], None]]] = []
        """Told of everything as it happens; they must not wait, nor change anything here."""
        self._world = FlyteWorld(surroundings or Surroundings(), self._tell, kept_runs)
        for flow in flows:
            self._world.add_flow(flow)
        self._heard: deque[Heard] = deque()
        self._timers: deque[asyncio.Handle] = deque()
        self._watches: list[Subscription] = []
        self._waiters: set[asyncio.Event] = set()

    # What there is

    @property
    def packs(self) -> Mapping[str, Pack]:
        """The registered packs, by id."""
        return self._world.packs

    @property
    def actions(self) -> Mapping[str, Action]:
        """The actions of all runs still kept, by id."""
        return self._world.actions

    @property
    def flows(self) -> Mapping[str, Flow]:
        """The flows, by name."""
        return self._world.flows

    def runs(self) -> list[Run]:
        """The runs that made an action, those with the newest change first."""
        return self._world.runs()

    def waiting(self, pack_name: str = "Slack") -> int:
        """How many actions wait to be taken by packs of a name."""
        return self._world.waiting(pack_name)

    def unanswered(self) -> list[Action]:
        """The actions that were not answered yet, taken or not."""
        return self._world.unanswered()

    @property
    def is_busy(self) -> bool:
        """Whether something came in whose flows have not run yet."""
        return bool(self._heard)

    # What can be done

    def add_flow(self, flow: Flow) -> None:
        """Run a flow from now on, in the place of one with its name."""
        self._world.add_flow(flow)

    def remove_flow(self, name: str) -> None:
        """Begin no more runs of a flow."""
        self._world.remove_flow(name)

    def queue_action(self, pack: str, command: str, command_input: object = None) -> str:
        """Let an action wait for a pack, by name, with no flow behind it; returns the action's id."""
        return self._queue(pack, command, command_input, None)

    def queue_raw(self, pack: str, body: bytes) -> str:
        """Let an action wait whose answer to `take` is this body as it is, but for `{result}`, its result link."""
        return self._queue(pack, "", None, body)

    def raise_event(
        self, pack: str, name: str, payload: object = None, *, labels: Mapping[str, str] | None = None
    ) -> None:
        """Let an event come in as if a pack had sent it; the pack need not be registered."""
        event = self._event(Pack(pack, pack, labels or {}, {}), name, payload)
        self._world.accept(event)
        self._hear(Heard(event))

    def register(self, pack: Pack) -> None:
        """Know a pack of this process, which then takes and answers its actions by `take` and `answer`."""
        self._world.register(pack)

    def take(self, pack: Pack) -> Action | None:
        """The oldest action that waits for the pack, which then is pending; None when there is none."""
        return self._world.take(pack)

    def answer(self, action: Action, pack: Pack, name: str, payload: object) -> Finish:
        """Answer an action that the pack took, with an event."""
        event = self._event(pack, name, payload)
        finish = self._world.finish(action.id, event)
        if finish is Finish.DONE:
            self._hear(Heard(event, action.id))
        return finish

    def forget_packs(self) -> None:
        """Forget all packs: they get 404 until they register again."""
        self._world.forget_packs()
        self._wake()

    # Looking on

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Look on: everything that happens from now on."""
        watch = Subscription()
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches.remove(watch)

    async def wait_for(self, predicate: Callable[[], Truth], timeout: float = 5.0) -> Truth:  # noqa: ASYNC109 (asked for on every change, so asyncio.timeout at the caller would not do less)
        """What the predicate returns once it is true; asked now and after every change.

        Raises TimeoutError when that takes longer than `timeout` seconds.
        """
        news = asyncio.Event()
        self._waiters.add(news)
        try:
            async with asyncio.timeout(timeout):
                while not (found := predicate()):
                    news.clear()
                    await news.wait()
                return found
        except TimeoutError as error:
            raise TimeoutError(f"not so after {timeout} s; {self._until_then()}") from error
        finally:
            self._waiters.discard(news)

    def _event(self, pack: Pack, name: str, payload: object) -> Event:
        now = self._world.surroundings.now()
        return Event(pack, name, payload, now, now)

    def _until_then(self) -> str:
        return f"events until then: {len(self.events)}"

    def _queue(self, pack: str, command: str, command_input: object, raw: bytes | None) -> str:
        trigger = self._event(Pack("Simulation", "Simulation", {}, {}), "ActionQueued", None)
        action = Action(pack, command, command_input, Run(None), "queued", trigger, raw=raw)
        return self._world.add(action).id

    def _hear(self, heard: Heard) -> None:
        if heard.action_id is None:
            self.events.append(heard.event)
        else:
            self.results[heard.action_id] = heard.event
            while len(self.results) > LOG_LIMIT:
                del self.results[next(iter(self.results))]
        self._heard.append(heard)
        loop = asyncio.get_running_loop()
        # The server answers first, and runs flows just after.
        if self.flow_delay_seconds > 0:
            self._timers.append(loop.call_later(self.flow_delay_seconds, self._run_flows))
        else:
            self._timers.append(loop.call_soon(self._run_flows))
        self._wake()

    def _run_flows(self) -> None:
        heard = self._heard.popleft()
        self._timers.popleft()
        self._world.run_flows(heard.event)
        action = self._world.actions.get(heard.action_id) if heard.action_id else None
        if action is not None:
            self._world.continue_run(action)
        self._wake()

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def _tell(self, happening: TraceEvent) -> None:
        for listener in self.listeners:
            listener(happening)
        for watch in self._watches:
            watch.publish(happening)
        self._wake()

    def _wake(self) -> None:
        for news in self._waiters:
            news.set()
