"""Storages by `file:` URLs."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from application.ports.clock import Clock
from application.ports.storage import Storage


class FileScheme:
    """Implements StorageScheme."""

    def create(self, url: str, clock: Clock, *, lease_seconds: float) -> Storage:
        del lease_seconds  # no other process can use the directory
        return _storage(url, clock)

    def attach(self, url: str, clock: Clock) -> Storage:
        return _storage(url, clock, exclusive=False)


def directory_of(url: str) -> Path:
    """Returns the directory that a `file:` URL names. Raises ValueError if it names none."""
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise ValueError("file: takes no parameters (in a directory's name, write ? as %3F and # as %23)")
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not path.startswith("/"):
        raise ValueError("file: needs three slashes and an absolute directory: file:///var/lib/flyte-slack")
    if Path(path) == Path("/"):
        raise ValueError("file: needs more than the root directory: file:///var/lib/flyte-slack")
    if "\0" in path:
        raise ValueError("file: the directory's name contains a NUL character")
    return Path(path)


def _storage(url: str, clock: Clock, *, exclusive: bool = True) -> Storage:
    from adapters.filesystem.storage import FileStorage  # noqa: PLC0415 - slow to load; other storages don't need it

    return FileStorage(directory_of(url), clock, exclusive=exclusive)
