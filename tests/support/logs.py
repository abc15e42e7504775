"""The log in tests: captured, and its configuration kept from other tests."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from structlog.typing import EventDict


@contextmanager
def restored_logging() -> Iterator[None]:
    """Restores the logging configuration at the end."""
    root = logging.getLogger()
    handlers, level, noisy = list(root.handlers), root.level, logging.getLogger("slack_sdk").level
    try:
        yield
    finally:
        structlog.reset_defaults()
        logging.captureWarnings(capture=False)
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.getLogger("slack_sdk").setLevel(noisy)


@contextmanager
def captured_lines() -> Iterator[list[EventDict]]:
    """Captures the lines that are logged, with the fields of their context."""
    with capture_logs(processors=[merge_contextvars]) as lines:
        yield lines
