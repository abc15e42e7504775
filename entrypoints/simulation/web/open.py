"""Opens the page for both simulated servers, and for the pack between them if it runs in this process."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from entrypoints.container import Container
from entrypoints.simulation.flyte.flow_loader import BUILT_IN
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.server import PageServer
from entrypoints.simulation.web.trace.pack_probe import WatchedReceiver, WatchedStorage
from entrypoints.simulation.web.workbench import Workbench


@asynccontextmanager
async def open_page(
    slack: SlackServer, flyte: FlyteServer, port: int, *, container: Container | None, flow_files: Iterable[Path] = ()
) -> AsyncIterator[str]:
    """Serve the page and yield its URL. Port 0 picks a free one. Raises OSError if the port is taken.

    `container` is the pack's, not yet used: its receiver and storage get probes that report to the traces.
    """
    files = [*sorted(BUILT_IN.iterdir()), *flow_files]
    workbench = Workbench(slack, flyte, files)
    async with workbench.open():
        if container is not None:
            traces = workbench.traces
            traces.has_probe = True
            container.receiver.override(WatchedReceiver(container.receiver(), traces.on_probe_event))
            container.storage.override(WatchedStorage(container.storage(), traces.on_probe_event))
        async with PageServer(workbench).run(port) as url:
            yield url
