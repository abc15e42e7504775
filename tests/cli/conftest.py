import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.filesystem.storage import FileStorage
from entrypoints.testing.storage_contents import fill
from entrypoints.testing.storage_values import CLOCK
from tests.support import logs


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Restores the logging configuration after the test."""
    with logs.restored_logging():
        yield


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A directory with something of everything."""

    async def create() -> None:
        async with (storage := FileStorage(tmp_path / "source", CLOCK)).open():
            await fill(storage)

    asyncio.run(create())
    return tmp_path / "source"
