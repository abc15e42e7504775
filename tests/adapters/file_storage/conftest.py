from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from entrypoints.testing.storage_values import CLOCK, NOW


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The directory of a storage that does not exist yet."""
    return tmp_path / "storage"


@pytest.fixture
async def storage(directory: Path) -> AsyncIterator[FileStorage]:
    """An open storage in the directory."""
    CLOCK.time, CLOCK.error = NOW, timedelta()
    storage = FileStorage(directory, CLOCK)
    async with storage.open():
        yield storage
