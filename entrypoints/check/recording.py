"""Checks whether the pack can record to the file of FLYTE_SLACK_RECORD, without creating it."""

import os
import stat
from pathlib import Path
from typing import Final

from adapters.recording.recorder import NO_RECORDING, is_recording
from entrypoints.check.findings import Finding, failed, ok

RECORDING: Final = "recording"

_REMEDY: Final = (
    "set FLYTE_SLACK_RECORD to a new file or a recording in an existing directory, not a link, or leave it out"
)


def check_recording(path: Path) -> Finding:
    """Checks the file, as a start opens it."""
    try:
        problem = _problem(path)
    except OSError as error:
        problem = error.strerror or str(error)
    if problem:
        return failed(RECORDING, f"{path} can't be written ({problem})", _REMEDY, ends_start=True)
    return ok(RECORDING, f"all traffic is recorded to {path}, with the texts of messages")


def _problem(path: Path) -> str:
    """Returns why the file can't be written; empty if it can. Raises OSError."""
    if not os.path.lexists(path):
        return "" if os.access(path.parent.resolve(strict=True), os.W_OK | os.X_OK) else "Permission denied"
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if status.st_uid != os.geteuid() or not os.access(path, os.W_OK):
        return "Permission denied"
    with path.open("rb") as file:
        return "" if is_recording(file.fileno()) else NO_RECORDING
