"""Starts processes that use a storage."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PROJECT = Path(__file__).parents[2]


class StorageProcess(subprocess.Popen[str]):
    """A process whose output can be read."""

    stdout: IO[str]


@contextmanager
def storage_process(operation: str, directory: Path) -> Iterator[StorageProcess]:
    """Runs an operation of the module `storage_process` in a process that is killed at the end."""
    command = [sys.executable, "-m", "tests.support.storage_process", operation, str(directory)]
    with StorageProcess(command, cwd=_PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
