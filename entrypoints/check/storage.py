"""The storage: whether a pack could keep its things there, and who does so already."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Final

from adapters.filesystem import diagnostics as inspection
from adapters.filesystem.directory import is_temporary, shared_for
from adapters.storage_urls import directory_of
from domain.errors import StorageError
from entrypoints.check.findings import Finding, failed, ok, skipped, warning
from entrypoints.check.http_port import Running, RunningPack
from entrypoints.config.settings import Settings

STORAGE = "storage"
DIRECTORY = "directory"
LOCK = "directory lock"
CHANNELS = "joined channels"
SPACE = "disk space"

_LOW_BYTES: Final = 256 * 1024**2
_MIN_BYTES: Final = 16 * 1024**2
_ELSEWHERE: Final = "set FLYTE_SLACK_BACKUP_DIR to another directory, one that lasts, like /var/lib/flyte-slack"
_ROOM: Final = "make room on that disk, or " + _ELSEWHERE


async def check_storage(settings: Settings, running: Running) -> AsyncGenerator[Finding, None]:
    """All about where everything is kept."""
    directory = directory_of(settings.storage_url.reveal())
    if directory is None:
        lost = "joined channels, messages that wait for Flyte and actions in hand are forgotten at every end"
        yield warning(STORAGE, f"in memory: {lost}", "set FLYTE_SLACK_STORAGE to file:///var/lib/flyte-slack")
        return
    pack = await running
    for finding in await asyncio.to_thread(lambda: list(_check_directory(directory, pack))):
        yield finding


def _check_directory(directory: Path, pack: RunningPack | None) -> Iterator[Finding]:
    try:
        inspection.examine(directory)
    except StorageError as error:
        message, _, mend = str(error).partition("; ")
        yield failed(DIRECTORY, message, mend or _ELSEWHERE)
        yield skipped(LOCK, "the directory can't be used")
        yield skipped(CHANNELS, "the directory can't be used")
    else:
        yield _assess_location(directory)
        yield _check_lock(directory, pack)
        yield _check_channels(directory)
    yield _check_space(directory)


def _assess_location(directory: Path) -> Finding:
    if is_temporary(directory):
        return warning(DIRECTORY, f"{directory} is temporary: the system may empty it at any time", _ELSEWHERE)
    if not directory.exists():
        return ok(DIRECTORY, f"{directory} will be made at the start")
    if foreign := shared_for(directory):
        message = f"{directory} can be read by others, and holds more than the pack's files ({foreign})"
        return warning(DIRECTORY, message, f"move that away and chmod 700 {directory}, or {_ELSEWHERE}")
    return ok(DIRECTORY, f"{directory} can be written to")


def _check_lock(directory: Path, pack: RunningPack | None) -> Finding:
    try:
        holder = inspection.holder(directory)
    except StorageError as error:
        return failed(LOCK, str(error), _ELSEWHERE)
    if holder is None:
        return ok(LOCK, "no pack is at work there")
    if pack is not None:
        return ok(LOCK, f"held by the pack that runs here ({holder})")
    mend = f"stop that one, or give this one a directory of its own: {_ELSEWHERE}"
    return failed(LOCK, f"another pack is at work in {directory}: {holder}", mend)


def _check_channels(directory: Path) -> Finding:
    try:
        count = inspection.joined_channels(directory)
    except (ValueError, OSError) as error:
        file = directory / "channels.json"
        mend = f'write a JSON list of channel ids into {file}, like ["C024BE91L"], or move it away'
        message = f"{file} can't be read ({error}); the start will set it aside, with no channel joined"
        return warning(CHANNELS, message, mend)
    return ok(CHANNELS, str(count) if count else "none yet")


def _check_space(directory: Path) -> Finding:
    try:
        free = inspection.free_bytes(directory)
    except OSError as error:
        return skipped(SPACE, f"it can't be asked for: {error.strerror or error}")
    message = f"{free / 1024**2:,.0f} MiB are free for {directory}"
    if free < _MIN_BYTES:
        return failed(SPACE, message, _ROOM)
    return warning(SPACE, message, _ROOM) if free < _LOW_BYTES else ok(SPACE, message)
