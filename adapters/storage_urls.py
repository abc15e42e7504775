"""Opens the storage that a URL names."""

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from adapters.filesystem.storage import FileStorage
from adapters.memory.storage import MemoryStorage
from application.ports.clock import Clock
from application.ports.storage import Storage

_NOT_YET = ("postgresql", "postgres", "redis", "rediss")


def create_storage(url: str, clock: Clock) -> Storage:
    """The storage at `file:///directory` or `memory:`, not opened yet.

    ValueError for any other URL; its message never repeats the URL, which may hold a password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("this is no URL; use file:///directory or memory:") from None
    if parts.scheme in _NOT_YET:
        raise ValueError(f"{parts.scheme}: is not served yet; use file:///directory or memory:")
    if parts.scheme not in ("file", "memory"):
        raise ValueError("the scheme is not known; use file:///directory or memory:")
    if parts.query or parts.fragment:
        raise ValueError(f"{parts.scheme}: takes no parameters (in a directory's name, write ? as %3F and # as %23)")
    if parts.scheme == "file":
        return FileStorage(_directory(parts), clock)
    if parts.netloc or parts.path:
        raise ValueError("memory: takes nothing after the colon")
    return MemoryStorage(clock)


def attach_storage(url: str, clock: Clock) -> Storage:
    """The storage at that URL, for somebody who looks into it beside the pack that may be at work there.

    ValueError as of `storage_for`, and for `memory:`, into which nobody else can look.
    """
    create_storage(url, clock)
    directory = directory_of(url)
    if directory is None:
        raise ValueError("memory: is in the pack's own process, and nobody else can look into it")
    return FileStorage(directory, clock, exclusive=False)


def directory_of(url: str) -> Path | None:
    """The directory that the URL of a storage names; None when it keeps everything elsewhere. For URLs that
    `storage_for` takes.
    """
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _directory(parts: SplitResult) -> Path:
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not path.startswith("/"):
        raise ValueError("file: needs three slashes and an absolute directory: file:///var/lib/flyte-slack")
    if Path(path) == Path("/"):
        raise ValueError("file: needs more than the root directory: file:///var/lib/flyte-slack")
    if "\0" in path:
        raise ValueError("file: the directory's name holds a NUL character")
    return Path(path)
