"""Opens the page for both ends, and for the pack between them if it runs in this process."""

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
    """The page's address, as long as it is open. OSError when the port is taken; 0: a free one.

    `container` is the pack's, before anything of it is used: what it hears and keeps is looked at.
    """
    files = [*sorted(BUILT_IN.iterdir()), *flow_files]
    async with Workbench(slack, flyte, files) as workbench:
        if container is not None:
            ways = workbench.traces
            ways.has_probe = True
            container.receiver.override(WatchedReceiver(container.receiver(), ways.on_probe_event))
            container.storage.override(WatchedStorage(container.storage(), ways.on_probe_event))
        async with PageServer(workbench, port) as page:
            yield page.url
