"""The CPU time of processes."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process: int) -> float:
    """Returns the user and system CPU time of the process, without its children."""
    user, system, *_ = _times(process)
    return user + system


def family_cpu_seconds(process: int) -> float:
    """Returns the CPU time of the process and its children, also of those that have ended."""
    total = sum(_times(process))
    for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
        with suppress(FileNotFoundError, ProcessLookupError):
            total += cpu_seconds(int(child))
    return total


def _times(process: int) -> list[float]:
    """Returns user and system time, then both of the children that have ended, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return [int(field) / _TICKS for field in fields[11:15]]
