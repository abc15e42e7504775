"""Finds the storage for a URL: those of this program, and those that other distributions register by entry points."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

from adapters.filesystem import scheme as file_scheme
from adapters.filesystem.scheme import FileScheme
from adapters.memory.scheme import MemoryScheme
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.ports.storage_scheme import StorageScheme

ENTRY_POINTS: Final = "flyte_slack.storages"
"""The group of the entry points, each named for a scheme, whose objects implement StorageScheme."""
DEFAULT_LEASE_SECONDS: Final = 20.0


def create_storage(url: str, clock: Clock, *, lease_seconds: float = DEFAULT_LEASE_SECONDS) -> Storage:
    """Returns the storage at a URL, not opened.

    Raises ValueError if there is none, without repeating the URL, since it may contain a password.
    """
    scheme = _scheme_of(url)
    return _answer(scheme, lambda: _find(scheme).create(url, clock, lease_seconds=lease_seconds))


def attach_storage(url: str, clock: Clock) -> Storage:
    """Returns the storage at a URL, for use next to packs that may be running on it.

    Raises ValueError like `create_storage`, and for a storage that other processes can't access.
    """
    scheme = _scheme_of(url)
    return _answer(scheme, lambda: _find(scheme).attach(url, clock))


def directory_of(url: str) -> Path | None:
    """Returns the directory of a URL that `create_storage` accepts; None if the storage has no directory."""
    return file_scheme.directory_of(url) if _scheme_of(url) == "file" else None


def is_postgresql(url: str) -> bool:
    """Returns whether the storage at the URL is a PostgreSQL database."""
    return _scheme_of(url) in _POSTGRESQL


def _scheme_of(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        raise ValueError(f"the URL is malformed; use {_KNOWN}") from None


def _find(scheme: str) -> StorageScheme:
    if build := _BUILT_IN.get(scheme):
        return build()
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to load, for foreign storages only

    found = entry_points(group=ENTRY_POINTS, name=scheme) if scheme else ()
    if not found:
        raise ValueError(f"the scheme is unknown; use {_KNOWN}")
    if len(found) > 1:
        names = " and ".join(sorted(point.dist.name if point.dist else point.value for point in found))
        raise ValueError(f"{scheme}: is registered by {names}; uninstall all but one")
    [point] = found
    try:
        return cast("StorageScheme", point.load())
    except Exception as error:
        owner = point.dist.name if point.dist else point.value
        raise ValueError(f"{scheme}: {owner}, which registers the scheme, can't be loaded: {error!r}") from error


def _answer(scheme: str, request: Callable[[], Storage]) -> Storage:
    """Returns the answer of a scheme. Any error of a foreign one becomes a ValueError."""
    try:
        return request()
    except ValueError:
        raise
    except Exception as error:
        if scheme in _BUILT_IN:
            raise
        raise ValueError(f"{scheme}: its storage can't be created ({type(error).__name__})") from error


def _postgresql() -> StorageScheme:
    try:
        module = import_module("adapters.postgresql.scheme")
    except ImportError as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{_NEEDS_PSYCOPG} ({reason}); run pip install 'flyte-slack[postgresql]'") from error
    return cast("StorageScheme", module.PostgresScheme())


_POSTGRESQL: Final = ("postgresql", "postgres")
_BUILT_IN: Final[Mapping[str, Callable[[], StorageScheme]]] = {
    "file": FileScheme,
    "memory": MemoryScheme,
    **dict.fromkeys(_POSTGRESQL, _postgresql),
}
_NEEDS_PSYCOPG: Final = "postgresql: needs the library psycopg, which can't be loaded"
_KNOWN: Final = "file:///directory, postgresql://host/database or memory:"
