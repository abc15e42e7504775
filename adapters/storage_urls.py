"""Creates the storage for a URL."""

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from adapters.filesystem.storage import FileStorage
from adapters.memory.storage import MemoryStorage
from application.ports.clock import Clock
from application.ports.storage import Storage

_NOT_YET = ("postgresql", "postgres", "redis", "rediss")


def create_storage(url: str, clock: Clock) -> Storage:
    """Returns the storage at `file:///directory` or `memory:`, not opened.

    Raises ValueError for any other URL, without repeating it, since it may contain a password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("the URL is malformed; use file:///directory or memory:") from None
    if parts.scheme in _NOT_YET:
        raise ValueError(f"{parts.scheme}: is not supported yet; use file:///directory or memory:")
    if parts.scheme not in ("file", "memory"):
        raise ValueError("the scheme is unknown; use file:///directory or memory:")
    if parts.query or parts.fragment:
        raise ValueError(f"{parts.scheme}: takes no parameters (in a directory's name, write ? as %3F and # as %23)")
    if parts.scheme == "file":
        return FileStorage(_directory(parts), clock)
    if parts.netloc or parts.path:
        raise ValueError("memory: takes nothing after the colon")
    return MemoryStorage(clock)


def attach_storage(url: str, clock: Clock) -> Storage:
    """Returns the storage at a URL, for use next to a pack that may be running on it.

    Raises ValueError like `create_storage`, and for `memory:`, which other processes can't access.
    """
    create_storage(url, clock)
    directory = directory_of(url)
    if directory is None:
        raise ValueError("memory: is in the pack's own process, and other processes can't access it")
    return FileStorage(directory, clock, exclusive=False)


def directory_of(url: str) -> Path | None:
    """Returns the directory of a URL that `create_storage` accepts; None if the storage has no directory."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _directory(parts: SplitResult) -> Path:
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not path.startswith("/"):
        raise ValueError("file: needs three slashes and an absolute directory: file:///var/lib/flyte-slack")
    if Path(path) == Path("/"):
        raise ValueError("file: needs more than the root directory: file:///var/lib/flyte-slack")
    if "\0" in path:
        raise ValueError("file: the directory's name contains a NUL character")
    return Path(path)
