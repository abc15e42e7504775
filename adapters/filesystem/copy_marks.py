"""The marks of a directory about copies from it and to it, in a separate file."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from adapters.filesystem.directory import as_storage_error, replace
from application.ports.transfer import CopyMarks
from domain.errors import StorageUnusable

MARKS_FILE = "flyte-slack.copy"
COPYING = "storage copy"
"""The purpose that the directory's lock shows during a copy."""


def read_marks(directory: Path) -> CopyMarks:
    """Returns the marks of a directory; those of a new one if there are none. Raises StorageError."""
    path = directory / MARKS_FILE
    try:
        if not os.path.lexists(path):
            return CopyMarks()
        return CopyMarks(**json.loads(path.read_bytes()))
    except OSError as error:
        raise as_storage_error(error, f"read {path}") from error
    except (ValueError, TypeError) as error:
        raise StorageUnusable(f"{path} is damaged, so that it is unknown whether the data is current") from error


def write_marks(directory: Path, marks: CopyMarks) -> None:
    """Replaces the marks of a directory. Raises StorageError."""
    path = directory / MARKS_FILE
    try:
        replace(path, json.dumps(asdict(marks)).encode())
    except OSError as error:
        raise as_storage_error(error, f"write {path}") from error


def require_complete(directory: Path) -> None:
    """Raises StorageUnusable if an unfinished copy has left incomplete data."""
    if read_marks(directory).is_incomplete:
        raise StorageUnusable(
            f"{directory} holds an unfinished copy; repeat `flyte-slack storage copy`, or use another directory"
        )


def require_current(directory: Path) -> None:
    """Raises StorageUnusable if the data is incomplete, or was moved elsewhere."""
    require_complete(directory)
    if moved_to := read_marks(directory).moved_to:
        raise StorageUnusable(
            f"{directory} was moved to {moved_to}; set FLYTE_SLACK_STORAGE to that (only if it is lost for good, "
            f"remove {directory / MARKS_FILE} to go on from the old data)"
        )
