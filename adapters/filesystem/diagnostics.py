"""Checks whether a pack could use the directory, without changing anything."""

import fcntl
import os
from pathlib import Path

from adapters.filesystem.channels import read_joined
from adapters.filesystem.copy_marks import require_current
from adapters.filesystem.directory import CHANNELS_FILE, LOCK_FILE, as_storage_error, inspect, shared_for
from domain.channels import ChannelId
from domain.errors import StorageUnusable


def check_usable(directory: Path) -> None:
    """Raises StorageUnusable if a pack could not start on the directory, as that would, or for lack of access."""
    try:
        if os.path.lexists(directory):
            inspect(directory)
            shared_for(directory)
            require_current(directory)
        place = _existing(directory)
        if not place.is_dir():
            raise StorageUnusable(f"{place} is not a directory; move it away, or use another directory")
        _require_writable(place)
        for file in directory.glob("flyte-slack.*") if directory.is_dir() else ():
            _require_writable(file)
    except OSError as error:
        raise as_storage_error(error, f"use the directory {directory}") from error


def holder(directory: Path) -> str | None:
    """Returns which pack uses the directory (`process 12 on host`); None if none does. Raises StorageError."""
    try:
        descriptor = os.open(directory / LOCK_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise as_storage_error(error, f"open {directory / LOCK_FILE}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, 300, 0).decode("utf-8", "replace").strip() or "unknown process"
    except OSError as error:
        raise as_storage_error(error, f"check the lock of {directory}") from error
    finally:
        os.close(descriptor)
    return None


def free_bytes(directory: Path) -> int:
    """Returns the free space available to this process. Raises OSError."""
    disk = os.statvfs(_existing(directory))
    return disk.f_bavail * disk.f_frsize


def joined_channels(directory: Path) -> tuple[ChannelId, ...]:
    """Returns the joined channels. Raises ValueError or OSError if it is unreadable."""
    return read_joined(directory / CHANNELS_FILE).ids


def _existing(directory: Path) -> Path:
    """Returns the directory, or its nearest existing parent."""
    return next(path for path in (directory, *directory.parents) if os.path.lexists(path))


def _require_writable(path: Path) -> None:
    mode = os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)
    if not os.access(path, mode, effective_ids=os.access in os.supports_effective_ids):
        raise StorageUnusable(
            f"user {os.geteuid()}, under which this process runs, can't read and write {path}; "
            "let that user write there, or use another directory"
        )
