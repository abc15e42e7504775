"""Processes: what identifies one among those of all machines, and whether one has certainly ended."""

import os
import socket
from pathlib import Path
from typing import Final

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE: Final = Path("/proc/self/ns/pid")


def own_process() -> str:
    """Returns what identifies this process; empty where the system does not tell, which Linux alone does."""
    try:
        return f"{_own_machine()} {os.getpid()} {_started_at(os.getpid())}"
    except OSError:
        return ""


def has_ended(process: str) -> bool:
    """Returns whether a process has ended. False also if that can't be told, as of those of other machines."""
    try:
        machine, number, started_at = process.rsplit(" ", 2)
        if machine != _own_machine():
            return False
        os.kill(int(number), 0)
        return _started_at(int(number)) != started_at  # otherwise another process has got its number
    except ProcessLookupError:
        return True
    except (OSError, ValueError):
        return False


def _own_machine() -> str:
    """Returns what processes share that see each other: a start of a kernel, and a container on it."""
    return f"{_BOOT.read_text().strip()} {_NAMESPACE.readlink()} {socket.gethostname()}"


def _started_at(process: int) -> str:
    """Returns when a process was started, in ticks since the machine was. Raises OSError."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
