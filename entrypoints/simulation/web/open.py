"""Opens the page for both simulated servers, and for the pack between them if it runs in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from application.resilience.interception import InterceptedStorage, ObservedReceiver
from entrypoints.container.adapters import Adapters
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.causes import mark_requests
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.server import PageServer
from entrypoints.simulation.web.trace.pack_probe import PackProbe
from entrypoints.simulation.web.trace.trace import DeliveryStage
from entrypoints.simulation.web.workbench import ALONE, Surroundings, Workbench


@asynccontextmanager
async def open_page(
    slack: SlackServer,
    flyte: FlyteServer,
    port: int,
    *,
    adapters: Adapters | None,
    surroundings: Surroundings = ALONE,
) -> AsyncIterator[str]:
    """Serves the page and yields its URL. Port 0 picks a free one. Raises OSError if the port is taken.

    `adapters` are the pack's, before any of them is used: the page shows what passes through them.
    """
    workbench = Workbench(slack, flyte, surroundings)
    async with workbench.open():
        if adapters is not None:
            adapters.slack_client.add_kwargs(trace_configs=[mark_requests()])
            probe = PackProbe(workbench.traces.on_probe_event)
            workbench.traces.stage_after_acknowledgement = DeliveryStage.IGNORED
            adapters.receiver.override(ObservedReceiver(adapters.receiver(), probe.on_received))
            adapters.storage.override(InterceptedStorage(adapters.storage(), probe))
        async with PageServer(workbench).run(port) as url:
            yield url
