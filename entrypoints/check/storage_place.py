"""The place and the state of the storage, as far as several checks need them."""

from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from adapters.filesystem import diagnostics
from domain.channels import ChannelId
from domain.errors import StorageError
from entrypoints.check.findings import Finding

DATABASE: Final = "database"
"""The name of a check, of PostgreSQL and of the file in a directory."""


@dataclass(frozen=True, slots=True)
class StoragePlace:
    """The storage, looked at without changing anything."""

    joined: tuple[ChannelId, ...] = ()
    """The joined channels; none if they can't be read, which another check reports."""
    is_in_use: bool = False
    """Whether a pack runs on it."""
    directory: Path | None = None
    """None if it is not a directory."""
    owner: tuple[str, str] = ("", "")
    """The ids of the workspace and of the bot that it belongs to; empty if it belongs to none yet."""
    findings: tuple[Finding, ...] = ()
    """The findings about a database."""

    @property
    def has_replicas(self) -> bool:
        """Whether packs run on it that this one may run beside."""
        return self.is_in_use and self.directory is None


Looking: TypeAlias = Awaitable[StoragePlace]


def look_at_directory(directory: Path) -> StoragePlace:
    """Returns what is known of a directory."""
    return StoragePlace(_joined(directory), _is_in_use(directory), directory)


def _joined(directory: Path) -> tuple[ChannelId, ...]:
    try:
        return diagnostics.joined_channels(directory)
    except (ValueError, OSError):
        return ()


def _is_in_use(directory: Path) -> bool:
    try:
        return diagnostics.holder(directory) is not None
    except StorageError:
        return False
