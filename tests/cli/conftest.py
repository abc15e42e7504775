import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """For tests of what sets up the log: no other test finds it set up."""
    root = logging.getLogger()
    handlers, level, talkative = list(root.handlers), root.level, logging.getLogger("slack_sdk").level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("slack_sdk").setLevel(talkative)
