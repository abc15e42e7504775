"""What a check sees of the directory, and whether a pack could move in; nothing in it is changed."""

import fcntl
import os
from pathlib import Path

from adapters.filesystem.channels import read_joined
from adapters.filesystem.directory import LOCK_FILE, as_storage_error, inspect, shared_for
from domain.errors import StorageUnusable


def examine(directory: Path) -> None:
    """StorageRefused when a pack could not keep its things there: as `prepare` would, or because nothing can be
    written there.
    """
    try:
        if os.path.lexists(directory):
            inspect(directory)
            shared_for(directory)
        place = _existing(directory)
        if not place.is_dir():
            raise StorageUnusable(f"{place} is not a directory; move it away, or name another directory")
        _need_writable(place)
        for file in directory.glob("flyte-slack.*") if directory.is_dir() else ():
            _need_writable(file)
    except OSError as error:
        raise as_storage_error(error, f"use the directory {directory}") from error


def holder(directory: Path) -> str | None:
    """Which pack is at work there, in its own words (`process 12 on host`); None when none is. StorageError."""
    try:
        descriptor = os.open(directory / LOCK_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise as_storage_error(error, f"open {directory / LOCK_FILE}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, 300, 0).decode("utf-8", "replace").strip() or "it does not say which"
    except OSError as error:
        raise as_storage_error(error, f"look at the lock of {directory}") from error
    finally:
        os.close(descriptor)
    return None


def free_bytes(directory: Path) -> int:
    """What this process may still write on that disk. OSError."""
    disk = os.statvfs(_existing(directory))
    return disk.f_bavail * disk.f_frsize


def joined_channels(directory: Path) -> int:
    """How many channels `channels.json` names. ValueError or OSError when it can't be read."""
    return len(read_joined(directory / "channels.json").ids)


def _existing(directory: Path) -> Path:
    """The directory, or what is there of the path to it."""
    return next(path for path in (directory, *directory.parents) if os.path.lexists(path))


def _need_writable(path: Path) -> None:
    mode = os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)
    if not os.access(path, mode, effective_ids=os.access in os.supports_effective_ids):
        raise StorageUnusable(
            f"user {os.geteuid()}, as whom this process runs, can't read and write {path}; "
            "let that user write there, or name another directory"
        )
