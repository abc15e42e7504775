"""Starting processes that use a storage."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PROJECT = Path(__file__).parents[2]


class Started(subprocess.Popen[str]):
    """With an output to read from."""

    stdout: IO[str]


@contextmanager
def started(deed: str, directory: Path) -> Iterator[Started]:
    """One of the deeds of `storage_process`, under way; dead afterwards."""
    command = [sys.executable, "-m", "tests.support.storage_process", deed, str(directory)]
    with Started(command, cwd=_PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
