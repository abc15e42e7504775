"""A simulated Flyte server, for tests and for trying out packs and flows."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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
"""The maximum number of requests and takes kept; the counters are not limited."""


@dataclass(frozen=True, slots=True)
class Take:
    """One request for an action: its time (monotonic), the response's status, and the action if one was taken."""

    at: float
    status: int
    action_id: str | None


class FlyteServer(Flyte):
    """A Flyte that serves HTTP on 127.0.0.1: `async with FlyteServer(flows=[...]) as flyte`.

    `api_url` is the address for packs. With `jwt`, requests without this bearer token get 401, and so do those on
    `forbidden_routes`. `public_url` replaces the request's host in links. `max_finished_runs` bounds the audit.
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
        self.clock_offset_seconds = 0.0
        """How far this Flyte's clock is ahead of the machine's."""
        self._environment = environment or TemplateEnvironment()
        super().__init__(
            flows=flows,
            environment=replace(self._environment, now=self._now),
            flow_delay_seconds=flow_delay_seconds,
            max_finished_runs=max_finished_runs,
        )
        self.faults: Final = FaultPlan()
        """Faults by route: api, register, event, take, result, audit, health, packs, flows, datastore."""
        self.requests: deque[RequestServed] = deque(maxlen=LOG_LIMIT)
        self.takes: deque[Take] = deque(maxlen=LOG_LIMIT)
        self.counts: Counter[tuple[str, int]] = Counter()
        self._routes = FlyteRoutes(self, public_url)
        self._gateway = HttpGateway(
            host,
            port,
            lambda: self._now().timestamp(),
            self.faults,
            self._record_request,
            jwt=jwt,
            forbidden_routes=frozenset(forbidden_routes),
            lose_race=self._lose_race,
            on_request=self.notify,
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
        """The server's address, for FLYTE_API."""
        return self._gateway.url

    async def go_down(self, how: Down = "refuse") -> None:
        """Resets all connections, then refuses new ones or accepts and resets them. The state is kept."""
        await self._gateway.go_down(how)

    async def come_up(self) -> None:
        """Serves requests again, on the same port."""
        await self._gateway.come_up()

    def in_progress(self, route: str) -> int:
        """Returns the number of requests on a route without a response yet, such as those that hang."""
        return self._gateway.in_progress[route]

    def progress(self) -> str:
        """See `EventFeed`."""
        requests = {f"{route} {code}": count for (route, code), count in self.counts.items()}
        return f"requests so far: {requests}"

    def _now(self) -> datetime:
        return self._environment.now() + timedelta(seconds=self.clock_offset_seconds)

    def _lose_race(self, pack_id: str) -> None:
        pack = self.packs.get(pack_id)
        if pack is not None:
            self.take(pack)

    def _record_request(self, served: RequestServed, action_id: str | None) -> None:
        self.requests.append(served)
        self.counts[served.route, served.status] += 1
        if served.route == "take":
            self.takes.append(Take(served.at, served.status, action_id))
        self.publish(served)
