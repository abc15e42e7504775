"""Backups of a storage, each in one file."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from application.ports.storage import StorageDescription


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds."""

    made_at: datetime | None
    """None if it was not made by this program, but is a copy of its database."""
    channels: int | None
    """The joined channels; None if it does not hold a list of them."""
    messages: int
    """The number of messages that wait or were set aside."""
    actions: int
    """The number of actions that are unfinished or were set aside."""


@runtime_checkable
class BackedUpStorage(Protocol):
    """A storage of which this program makes backups. It is not open in this process; all calls block."""

    def back_up(self, file: Path, *, replaces: bool) -> Backup:
        """Writes everything to a file that only its owner can read, also beside a running pack.

        The file appears at once and complete, or not at all. Raises StorageError, also if it exists already, unless
        the call `replaces` it.
        """

    def back_up_to(self, stream: BinaryIO) -> Backup:
        """Writes the same to a stream. Raises StorageError before it writes anything, and OSError."""

    def restore(self, backup: BinaryIO) -> Backup:
        """Fills this storage, which has to be empty, with what a backup holds. All of it appears, or nothing.

        Raises StorageError if a pack is using the storage, if it is not empty, or if the backup is damaged or was made
        by a newer version.
        """

    def describe(self) -> StorageDescription:
        """Returns where the data is."""
