"""The storage's directory: private, local, and for one pack at a time."""

import contextlib
import errno
import fcntl
import os
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

from domain.errors import StorageError, StorageUnavailable, StorageUnusable

log = structlog.get_logger()

CHANNELS_FILE = "channels.json"
DATABASE_FILE = "flyte-slack.db"
MARKER_FILE = "flyte-slack.created"
"""Empty; exists once the database has been used."""
LOCK_FILE = "flyte-slack.lock"
_OTHERS = 0o077
_OTHERS_WRITE = 0o022
_OUR_NAMES = (CHANNELS_FILE, "flyte-slack.")
_ELSEWHERE = "let this process's user write there, or use another directory"
_REMEDIES = {
    errno.EACCES: _ELSEWHERE,
    errno.EPERM: _ELSEWHERE,
    errno.EROFS: _ELSEWHERE,
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room within the quota",
}
_MAY_PASS = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EFBIG}


def as_storage_error(error: OSError, operation: str) -> StorageError:
    """Returns what an operator reads; StorageUnavailable if waiting may help."""
    kind = StorageUnavailable if error.errno in _MAY_PASS else StorageUnusable
    remedy = _REMEDIES.get(error.errno or 0, "")
    return kind(f"can't {operation}: {error.strerror or error}{remedy and '; '}{remedy}")


def prepare(directory: Path) -> None:
    """Creates the directory if necessary, and restricts access to it.

    Raises StorageUnusable if it does not belong to this user, or contains a link or another user's file under one of
    the pack's names, and StorageUnavailable if the disk is full or broken.
    """
    try:
        if not os.path.lexists(directory):
            directory.mkdir(mode=0o700, parents=True)
            sync(directory.parent)
        inspect(directory)
        _close_to_others(directory)
        for path in _our_files(directory):
            if stat.S_ISREG(path.lstat().st_mode):
                path.chmod(0o600)
    except OSError as error:
        raise as_storage_error(error, f"use the directory {directory}") from error


def inspect(directory: Path) -> None:
    """Raises StorageUnusable if the directory or one of the pack's files is a link, another user's, or missing."""
    try:
        if not stat.S_ISDIR(directory.lstat().st_mode) and not directory.is_symlink():
            raise StorageUnusable(f"{directory} is not a directory; move it away, or use another directory")
        for path in (directory, *_our_files(directory)):
            _refuse_foreign(path)
    except OSError as error:
        raise as_storage_error(error, f"use the directory {directory}") from error


def shared_for(directory: Path) -> str:
    """Returns a foreign file in a directory that others can access; empty if there is none.

    Raises StorageUnusable if others can write to such a directory, and OSError.
    """
    mode = stat.S_IMODE(directory.lstat().st_mode)
    foreign = next((path.name for path in directory.iterdir() if not is_ours(path)), "") if mode & _OTHERS else ""
    if foreign and mode & _OTHERS_WRITE:
        raise StorageUnusable(
            f"others can write to {directory}, and it holds more than the pack's files ({foreign}); "
            "use a directory for the pack alone"
        )
    return foreign


def is_temporary(directory: Path) -> bool:
    """Returns whether the system may empty the directory at any time."""
    try:
        temporary = Path(tempfile.gettempdir())
    except FileNotFoundError:  # no other directory is writable, as in a hardened container
        return False
    return directory.resolve().is_relative_to(temporary.resolve())


def lock(directory: Path, purpose: str = "") -> int:
    """Locks the directory until the returned descriptor is closed. Raises StorageUnusable if another pack holds it.

    A `purpose` other than running a pack is shown to those who find the directory locked.
    """
    path = directory / LOCK_FILE
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise as_storage_error(error, f"open {path}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(descriptor, 300, 0).decode("utf-8", "replace").strip()
        os.close(descriptor)
        if not isinstance(error, BlockingIOError):
            raise as_storage_error(error, f"lock {path}") from error
        raise StorageUnusable(
            f"{directory} is in use by another pack ({holder or 'unknown process'}); "
            "stop that one, or use another directory for this one"
        ) from error
    with contextlib.suppress(OSError):  # a full disk: the lock holds, only its owner's name is missing
        os.ftruncate(descriptor, 0)
        os.pwrite(
            descriptor, f"{purpose}{purpose and ', '}process {os.getpid()} on {socket.gethostname()}\n".encode(), 0
        )
    return descriptor


def quarantine(path: Path) -> Path:
    """Renames the file within its directory, so that it is kept and out of the way. Returns the new path."""
    stem = f"{path.name}.unreadable-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    numbered = (path.with_name(f"{stem}-{number}") for number in range(2, 10_000))
    aside = next(free for free in (path.with_name(stem), *numbered) if not os.path.lexists(free))
    path.rename(aside)
    return aside


def create(path: Path) -> None:
    """Creates an empty, private file durably. No effect if it exists. Raises OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    sync(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Replaces the file's content atomically and durably. Raises OSError."""
    temporary = path.with_name(f"{path.name}.new")
    try:
        with private_file(temporary) as descriptor:
            remaining = memoryview(content)
            while remaining:
                remaining = remaining[os.write(descriptor, remaining) :]
            os.fsync(descriptor)
        temporary.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(directory: Path) -> None:
    """Flushes the directory's entries to disk. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def private_file(path: Path) -> Iterator[int]:
    """Opens a file, which only its owner can read, to write it anew. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_ours(path: Path) -> bool:
    """Returns whether the name is one of the pack's files."""
    return path.name.startswith(_OUR_NAMES)


def _our_files(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if is_ours(path)] if not directory.is_symlink() else []


def _refuse_foreign(path: Path) -> None:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise StorageUnusable(f"{path} is a link, which could point anywhere; replace it by its target")
    if status.st_uid != os.geteuid():
        raise StorageUnusable(
            f"{path} belongs to user {status.st_uid}, and this process runs as user {os.geteuid()}; "
            "run it as that user, change the owner, or use another directory"
        )


def _close_to_others(directory: Path) -> None:
    """Sets mode 0700, except for a directory that holds foreign files."""
    foreign = shared_for(directory)
    mode = stat.S_IMODE(directory.lstat().st_mode)
    if foreign:
        log.warning("directory_open_to_others", directory=str(directory), mode=f"{mode:04o}", holds=foreign)
    elif mode & _OTHERS:
        directory.chmod(0o700)
