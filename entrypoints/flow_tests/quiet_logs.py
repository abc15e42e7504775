"""Silences the pack's log while tests run."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def silent_logs() -> Iterator[None]:
    """Logs nothing inside the context."""
    before = structlog.get_config()
    structlog.configure(
        processors=[_drop],
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    try:
        yield
    finally:
        structlog.configure(**before)


def _drop(_: object, __: str, ___: structlog.typing.EventDict) -> str:
    raise structlog.DropEvent
