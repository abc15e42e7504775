"""A Flyte server on one machine: what a pack can tell of Expedia's Flyte, and the flows, for tests and for people."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from entrypoints.simulation.faults import FaultPlan
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.flyte.http_gateway import Down, HttpGateway
from entrypoints.simulation.flyte.routes import FlyteRoutes
from entrypoints.simulation.flyte.trace import RequestServed
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment

LOG_LIMIT = 100_000
"""How many requests and takes are kept; the counters go on."""


@dataclass(frozen=True, slots=True)
class Take:
    """One request for an action: when (monotonic), its answer's status, and the action if one was given out."""

    at: float
    status: int
    action_id: str | None


class FlyteServer(Flyte):
    """A Flyte on 127.0.0.1, in the event loop that opens it: `async with FlyteServer(flows=[...]) as flyte`.

    Any pack can be pointed at `api_url`. `jwt` turns security on: requests without this bearer token get 401, and
    those on `forbidden_routes` 403. `public_url` is what links begin with, in the place of what the request says.
    `flow_delay_seconds` is how long after the answer to an event its flows run. `max_finished_runs` bounds the audit.
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
        environment: TemplateEnvironment | None = None,
        flow_delay_seconds: float = 0.0,
        max_finished_runs: int = 10_000,
    ) -> None:
        super().__init__(
            flows=flows,
            environment=environment,
            flow_delay_seconds=flow_delay_seconds,
            max_finished_runs=max_finished_runs,
        )
        self.faults: Final = FaultPlan()
        """Faults by route: api, register, event, take, result, audit, health, packs, flows, datastore."""
        self.requests: deque[RequestServed] = deque(maxlen=LOG_LIMIT)
        self.takes: deque[Take] = deque(maxlen=LOG_LIMIT)
        self.counts: Counter[tuple[str, int]] = Counter()
        self._routes = FlyteRoutes(self._state, self._schedule_flows, public_url)
        self._gateway = HttpGateway(
            host,
            port,
            self.faults,
            self._on_served,
            jwt=jwt,
            forbidden_routes=frozenset(forbidden_routes),
            lose_race=self._lose_race,
            wake=self.notify,
        )

    async def __aenter__(self) -> Self:
        await self._gateway.open(self._routes.table())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cancel_timers()
        await self._gateway.close()

    @property
    def api_url(self) -> str:
        """The address to give to a pack as FLYTE_API."""
        return self._gateway.url

    async def go_down(self, how: Down = "refuse") -> None:
        """End every connection; then refuse new ones, or (`reset`) take and reset them. State stays."""
        await self._gateway.go_down(how)

    async def come_up(self) -> None:
        """Work again, on the same port."""
        await self._gateway.come_up()

    def in_progress(self, route: str) -> int:
        """How many requests on a route have come in and are not answered yet, such as those that hang."""
        return self._gateway.in_progress[route]

    def progress(self) -> str:
        """See `EventFeed`."""
        requests = {f"{route} {code}": count for (route, code), count in self.counts.items()}
        return f"requests so far: {requests}"

    def _lose_race(self, pack_id: str) -> None:
        pack = self._state.packs.get(pack_id)
        if pack is not None:
            self._state.take(pack)

    def _on_served(self, served: RequestServed, action_id: str | None) -> None:
        self.requests.append(served)
        self.counts[served.route, served.status] += 1
        if served.route == "take":
            self.takes.append(Take(served.at, served.status, action_id))
        self.publish(served)
