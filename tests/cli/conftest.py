from collections.abc import Iterator

import pytest

from tests.support import logs


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Restores the logging configuration after the test."""
    with logs.restored_logging():
        yield
