"""The storages of one URL scheme."""

from typing import Protocol

from application.ports.clock import Clock
from application.ports.storage import Storage


class StorageScheme(Protocol):
    """Creates storages by their URLs. Another distribution provides one by an entry point, named for the scheme."""

    def create(self, url: str, clock: Clock, *, lease_seconds: float) -> Storage:
        """Returns the storage at a URL, not opened. Only the URL itself is looked at.

        Whatever a process owns is released `lease_seconds` after its last heartbeat. Raises ValueError for a
        URL that can't be used; the text says how to correct it, and repeats neither the URL nor any password.
        """

    def attach(self, url: str, clock: Clock) -> Storage:
        """Returns the storage at a URL, not opened, for an operator's command beside packs that may be running on it.

        It reads, requeues, discards and lifts pauses, and counts as no pack. Raises ValueError as `create` does, and if
        other processes can't access the storage.
        """
