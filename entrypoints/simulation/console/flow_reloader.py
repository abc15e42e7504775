"""Reads flow files again when they change, so that a flow can be written while it is tried."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.flow_loader import flow_from_file

_LOOK_AGAIN_SECONDS: Final = 0.4

Stamp = tuple[int, int]


class FlowReloader:
    """The flow files of a conversation, as they were last read."""

    def __init__(self, flyte: Flyte, flow_names: Mapping[Path, str], tell: Callable[[str, str], None]) -> None:
        """`tell` gets what there is to say, and in which style."""
        self._flyte = flyte
        self._names = dict(flow_names)
        self._stamps = {path: _stamp(path) for path in self._names}
        self._tell = tell

    async def run(self) -> None:
        """Look after the files, without end."""
        while self._names:
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            for path in await asyncio.to_thread(self.changed_files):
                self.reload(path)

    def changed_files(self) -> list[Path]:
        """The files that changed since they were last looked at."""
        stamps = {path: _stamp(path) for path in self._names}
        changed = [path for path, stamp in stamps.items() if stamp != self._stamps[path]]
        self._stamps = stamps
        return changed

    def reload(self, path: Path) -> None:
        """Run the flow as it stands in the file now; one that can't be read goes on as it was."""
        try:
            flow = flow_from_file(path)
        except InvalidDocument as error:
            self._tell(f"{error} (the flow goes on as it was)", "bad")
            return
        if flow.name != self._names[path]:
            self._flyte.remove_flow(self._names[path])
            self._names[path] = flow.name
        self._flyte.add_flow(flow)
        self._tell(f"flow {flow.name} was read again", "good")


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)
