"""Keeps a test's logging configuration from the others."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


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
