"""Reloads the files of flows and scripted packs when they change, so that they can be tried while they are edited."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from entrypoints.lint.findings import Finding
from entrypoints.lint.loading import load_flow
from entrypoints.lint.packs import Packs, running_packs
from entrypoints.simulation.flyte.documents import InvalidDocument
from entrypoints.simulation.flyte.engine import Flyte
from entrypoints.simulation.flyte.scripted_pack import ScriptedPack, pack_from_file

_POLL_INTERVAL_SECONDS: Final = 0.4


class FileReloader:
    """Watches files by their modification times and sizes."""

    def __init__(
        self,
        flyte: Flyte,
        flow_names: Mapping[Path, str],
        packs: Mapping[Path, ScriptedPack],
        write: Callable[[str, str], None],
        report_error: Callable[[str], None],
    ) -> None:
        """`write` gets each result as a text and its style, `report_error` why a file cannot be used."""
        self._flyte = flyte
        self._names = dict(flow_names)
        self._packs = packs
        self._versions = {path: _version(path) for path in (*packs, *flow_names)}  # flows are linted for their packs
        self._write = write
        self._report_error = report_error

    async def run(self) -> None:
        """Reloads changed files until cancelled."""
        while self._versions:
            await asyncio.sleep(_POLL_INTERVAL_SECONDS)
            for path in await asyncio.to_thread(self.changed_files):
                self.reload(path)

    def changed_files(self) -> list[Path]:
        """Returns the files that have changed since the last call."""
        versions = {path: _version(path) for path in self._versions}
        changed = [path for path, version in versions.items() if version != self._versions[path]]
        self._versions = versions
        return changed

    def reload(self, path: Path) -> None:
        """Replaces a file's flow or pack. If the file is invalid, the previous version keeps running."""
        try:
            name = self._reload_pack(path) if path in self._packs else self._reload_flow(path)
        except InvalidDocument as error:
            self._report_error(f"{error} (the previous version keeps running)")
        else:
            self._write(f"reloaded {name}", "good")

    def _reload_flow(self, path: Path) -> str:
        flow, findings = load_flow(path, self._known_packs())
        if flow.name != self._names[path]:
            self._flyte.remove_flow(self._names[path])
            self._names[path] = flow.name
        self._flyte.add_flow(flow)
        self._warn(findings)
        return f"flow {flow.name}"

    def _reload_pack(self, path: Path) -> str:
        script, before = pack_from_file(path), self._known_packs()
        self._packs[path].replace_script(script)
        for flow_file in self._names:
            with contextlib.suppress(InvalidDocument):  # reported when that file changes
                known = load_flow(flow_file, before)[1]
                self._warn(found for found in load_flow(flow_file, self._known_packs())[1] if found not in known)
        return f"pack {script.name}"

    def _known_packs(self) -> Packs:
        return running_packs(self._flyte, self._packs.values())

    def _warn(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._write(f"warning: {finding}", "bad")


def _version(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)
