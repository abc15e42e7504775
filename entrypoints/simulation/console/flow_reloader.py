"""Reloads flow files when they change, so that a flow can be tried while it is edited."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from entrypoints.lint.loading import load_flow
from entrypoints.lint.packs import Packs
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.scripted_pack import PackScript

_POLL_INTERVAL_SECONDS: Final = 0.4


class FlowReloader:
    """Watches flow files by their modification times and sizes."""

    def __init__(
        self,
        flyte: Flyte,
        flow_names: Mapping[Path, str],
        packs: Sequence[PackScript],
        write: Callable[[str, str], None],
    ) -> None:
        """`packs` tell the linter how packs answer; `write` gets each result as a text and its style."""
        self._flyte = flyte
        self._packs = Packs(scripts=packs)
        self._names = dict(flow_names)
        self._versions = {path: _version(path) for path in self._names}
        self._write = write

    async def run(self) -> None:
        """Reload changed files until cancelled."""
        while self._names:
            await asyncio.sleep(_POLL_INTERVAL_SECONDS)
            for path in await asyncio.to_thread(self.changed_files):
                self.reload(path)

    def changed_files(self) -> list[Path]:
        """Returns the files that have changed since the last call."""
        versions = {path: _version(path) for path in self._names}
        changed = [path for path, version in versions.items() if version != self._versions[path]]
        self._versions = versions
        return changed

    def reload(self, path: Path) -> None:
        """Replace a file's flow. If the file is invalid, the previous version keeps running."""
        try:
            flow, findings = load_flow(path, self._packs)
        except InvalidDocument as error:
            self._write(f"{error} (the previous version keeps running)", "bad")
            return
        if flow.name != self._names[path]:
            self._flyte.remove_flow(self._names[path])
            self._names[path] = flow.name
        self._flyte.add_flow(flow)
        for finding in findings:
            self._write(f"warning: {finding}", "bad")
        self._write(f"reloaded flow {flow.name}", "good")


def _version(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)
