"""All instruments of one pack: they watch its ports, and `/metrics` shows what they counted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from adapters.prometheus.flyte_requests import Deliveries, FlyteRequests
from adapters.prometheus.metrics import Metrics
from adapters.prometheus.receiver_events import ReceiverEvents
from adapters.prometheus.slack_requests import SlackRequests
from adapters.prometheus.stopwatch import Stopwatch
from adapters.prometheus.storage_calls import StorageCalls
from adapters.prometheus.telemetry import PrometheusTelemetry
from application.ports.clock import Clock
from application.ports.receiver import Receiver
from application.ports.storage import Storage
from application.ports.workflow import Workflow
from application.resilience.interception import ObservedReceiver
from application.resilience.observation import ObservedStorage, observed

if TYPE_CHECKING:
    from adapters.prometheus.exposition import Exposition

_AFTER_START_SECONDS: Final = 2.0
_EXPOSITION: Final = "adapters.prometheus.exposition"
_SLACK: Final = "slack"
_FLYTE: Final = "flyte"


class _Peer(Protocol):
    def now(self) -> datetime:
        """Returns the peer's time."""


C = TypeVar("C")
S = TypeVar("S", bound=_Peer)


class Instruments:
    """Each method returns its argument with observers around it. To be called once each, before the pack runs."""

    def __init__(
        self,
        version: str,
        clock: Clock,
        slack_methods: Collection[str],
        slack_codes: Collection[str],
        slack_refusals: Collection[str],
    ) -> None:
        """Methods and error codes of Slack that are not known count as `other`; `slack_refusals` refuse the token."""
        self._version = version
        self._clock = clock
        self._metrics = metrics = Metrics(partial(Stopwatch, clock.monotonic))
        self.telemetry = PrometheusTelemetry(metrics)
        self._slack = SlackRequests(metrics, slack_methods, slack_codes, slack_refusals)
        self._flyte = FlyteRequests(metrics)
        self._deliveries = Deliveries(metrics, clock)
        self._receiver = ReceiverEvents(metrics)
        self._slack_now = clock.now
        for peer in (_SLACK, _FLYTE):
            metrics.clock_skew.at(peer)
        self._storage = StorageCalls(metrics, self.telemetry, clock.monotonic, self._chat_now)

    def slack_client(self, client: S) -> S:
        """Watches a client of Slack's Web API."""
        self._slack_now = client.now
        self._show_skew(_SLACK, client.now)
        return observed(client, self._slack.observer_of, self._clock.monotonic)

    def flyte_client(self, client: C, call: str) -> C:
        """Watches a client of Flyte, as a call of the workflow port uses it."""
        return observed(client, partial(self._flyte.observer_of, call), self._clock.monotonic)

    def workflow(self, workflow: Workflow) -> Workflow:
        """Watches the workflow port."""
        self._show_skew(_FLYTE, workflow.now)
        return observed(workflow, self._deliveries.observer_of, self._clock.monotonic)

    def receiver(self, receiver: Receiver) -> Receiver:
        """Watches the receiver's connection."""
        return ObservedReceiver(receiver, self._receiver.observe)

    def storage(self, storage: Storage) -> Storage:
        """Watches the storage."""
        return ObservedStorage(storage, self._storage.observer_of, self._clock.monotonic)

    @asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        """Loads the library some seconds after the start, so that neither the start nor the first scrape waits."""
        loading = asyncio.create_task(_load(), name="load the library of metrics")
        try:
            yield
        finally:
            loading.cancel()
            await asyncio.wait([loading])

    def render(self, accept: str) -> tuple[bytes, str]:
        """Returns all metrics in the text format that the header `Accept` prefers, and its content type."""
        return self._exposition.render(accept)

    @cached_property
    def _exposition(self) -> "Exposition":
        from adapters.prometheus.exposition import Exposition  # noqa: PLC0415 - 20 ms, which the start can do without

        return Exposition(self._metrics, self._version)

    def _chat_now(self) -> datetime:
        return self._slack_now()

    def _show_skew(self, peer: str, now: Callable[[], datetime]) -> None:
        self._metrics.clock_skew.at(peer).get = partial(self._seconds_ahead_of, now)

    def _seconds_ahead_of(self, now: Callable[[], datetime]) -> float:
        return (self._clock.now() - now()).total_seconds()


async def _load() -> None:
    await asyncio.sleep(_AFTER_START_SECONDS)
    await asyncio.to_thread(import_module, _EXPOSITION)
