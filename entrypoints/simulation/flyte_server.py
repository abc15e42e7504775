"""A Flyte server on one machine: what a pack can tell of Expedia's Flyte, and the flows, for tests and for people."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

from entrypoints.simulation.flow_files import Flow
from entrypoints.simulation.flyte_faults import Fault, FaultPlan, PlannedFault
from entrypoints.simulation.flyte_gate import Down, Gate
from entrypoints.simulation.flyte_happenings import Happening, RequestServed
from entrypoints.simulation.flyte_routes import FlyteRoutes, Heard
from entrypoints.simulation.flyte_state import Action, Event, Pack, Run
from entrypoints.simulation.flyte_watch import Watch
from entrypoints.simulation.flyte_world import FlyteWorld
from entrypoints.simulation.templates.run import Surroundings

LOG_LIMIT = 100_000
"""How many events, requests, takes and results are kept; the counters go on."""

Truth = TypeVar("Truth")


@dataclass(frozen=True, slots=True)
class Take:
    """One request for an action: when (monotonic), its answer's status, and the action if one was given out."""

    at: float
    status: int
    action_id: str | None


class FlyteServer:
    """A Flyte on 127.0.0.1, in the event loop that opens it: `async with FlyteServer(flows=[...]) as flyte`.

    Any pack can be pointed at `api_url`. `jwt` turns security on: requests without this bearer token get 401, and
    those on `forbidden_routes` 403. `public_url` is what links begin with, in the place of what the request says.
    `flow_delay_seconds` is how long after the answer to an event its flows run. `kept_runs` bounds the audit.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        flows: Iterable[Flow] = (),
        jwt: str | None = None,
        forbidden_routes: Iterable[str] = (),
        public_url: str | None = None,
        surroundings: Surroundings | None = None,
        flow_delay_seconds: float = 0.0,
        kept_runs: int = 10_000,
    ) -> None:
        self.faults = FaultPlan()
        self.events: deque[Event] = deque(maxlen=LOG_LIMIT)
        self.requests: deque[RequestServed] = deque(maxlen=LOG_LIMIT)
        self.takes: deque[Take] = deque(maxlen=LOG_LIMIT)
        self.counts: Counter[tuple[str, int]] = Counter()
        self.flow_delay_seconds = flow_delay_seconds
        self.results: dict[str, Event] = {}
        self._world = FlyteWorld(surroundings or Surroundings(), self._tell, kept_runs)
        for flow in flows:
            self._world.add_flow(flow)
        self._heard: deque[Heard] = deque()
        self._timers: deque[asyncio.Handle] = deque()
        self._watches: list[Watch] = []
        self._waiters: set[asyncio.Event] = set()
        self._routes = FlyteRoutes(self._world, self._hear, public_url)
        self._gate = Gate(
            host,
            port,
            self.faults,
            self._served,
            jwt=jwt,
            forbidden_routes=frozenset(forbidden_routes),
            lose_race=self._lose_race,
            wake=self._wake,
        )

    async def __aenter__(self) -> Self:
        await self._gate.open(self._routes.table())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for timer in self._timers:
            timer.cancel()
        await self._gate.close()

    @property
    def api_url(self) -> str:
        """The address to give to a pack as FLYTE_API."""
        return self._gate.url

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
        event = _event(Pack(pack, pack, labels or {}, {}), name, payload)
        self._world.accept(event)
        self._hear(Heard(event))

    def forget_packs(self) -> None:
        """Forget all packs: they get 404 until they register again."""
        self._world.forget_packs()
        self._wake()

    def plan(self, route: str, fault: Fault, times: int | None = None) -> PlannedFault:
        """Plan a fault for the next requests on a route, or until it is removed.

        Routes: api, register, event, take, result, audit, health, packs, flows, datastore.
        """
        return self.faults.add(route, fault, times)

    async def go_down(self, how: Down = "refuse") -> None:
        """End every connection; then refuse new ones, or (`reset`) take and reset them. State stays."""
        await self._gate.go_down(how)

    async def come_up(self) -> None:
        """Work again, on the same port."""
        await self._gate.come_up()

    def in_hand(self, route: str) -> int:
        """How many requests on a route have come in and are not answered yet, such as those that hang."""
        return self._gate.in_hand[route]

    @contextmanager
    def watch(self) -> Iterator[Watch]:
        """Look on: everything that happens from now on."""
        watch = Watch()
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
            requests = {f"{route} {code}": count for (route, code), count in self.counts.items()}
            raise TimeoutError(f"not so after {timeout} s; requests until then: {requests}") from error
        finally:
            self._waiters.discard(news)

    def _queue(self, pack: str, command: str, command_input: object, raw: bytes | None) -> str:
        trigger = _event(Pack("Simulation", "Simulation", {}, {}), "ActionQueued", None)
        action = Action(pack, command, command_input, Run(None), "queued", trigger, raw=raw)
        return self._world.add(action).id

    def _lose_race(self, pack_id: str) -> None:
        pack = self._world.packs.get(pack_id)
        if pack is not None:
            self._world.take(pack)

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

    def _served(self, served: RequestServed, action_id: str | None) -> None:
        self.requests.append(served)
        self.counts[served.route, served.status] += 1
        if served.route == "take":
            self.takes.append(Take(served.at, served.status, action_id))
        self._tell(served)

    def _tell(self, happening: Happening) -> None:
        for watch in self._watches:
            watch.tell(happening)
        self._wake()

    def _wake(self) -> None:
        for news in self._waiters:
            news.set()


def _event(pack: Pack, name: str, payload: object) -> Event:
    now = datetime.now(UTC)
    return Event(pack, name, payload, now, now)
