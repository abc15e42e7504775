"""Where tests keep files that need not outlast the machine."""

import os
import shutil
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - there is no other name for it
_MEMORY_BYTES = 2**30  # what the tests may need; containers often have less


def fast_directory() -> Path | None:
    """Returns a directory in memory, if there is one with room that may hold programs.

    On many disks each fsync takes longer than the rest of a test, and to create a database takes ten times as long.
    """
    if not os.access(_MEMORY, os.W_OK) or os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
        return None
    return _MEMORY if shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES else None
