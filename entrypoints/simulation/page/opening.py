"""Opens the page for both ends, and for the pack between them if it runs in this process."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from entrypoints.container import Container
from entrypoints.simulation.flow_files import BUILT_IN
from entrypoints.simulation.flyte_server import FlyteServer
from entrypoints.simulation.page.pack_probe import WatchedReceiver, WatchedStorage
from entrypoints.simulation.page.page_server import PageServer
from entrypoints.simulation.page.workbench import Workbench
from entrypoints.simulation.slack_server import SlackServer


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
            ways = workbench.ways
            ways.sees_inside = True
            container.receiver.override(WatchedReceiver(container.receiver(), ways.see_inside))
            container.storage.override(WatchedStorage(container.storage(), ways.see_inside))
        async with PageServer(workbench, port) as page:
            yield page.url
