"""Unforeseen exceptions: each is a bug, which is logged with its traceback and never ends the pack."""

import secrets
from collections.abc import Awaitable, Callable
from itertools import count

import structlog

from application.resilience.backoff import exponential_backoff
from application.resilience.shutdown import Shutdown, ShutdownRequested

log = structlog.get_logger()

_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 1, 60


def log_incident(**subject: str) -> str:
    """Logs the exception that is being handled; returns the id that identifies it in the log."""
    incident = secrets.token_hex(4)
    log.exception("internal_error", incident=incident, **subject)  # noqa: LOG004 - called by handlers
    return incident


async def retry_after_incidents(
    work: Callable[[], Awaitable[None]],
    shutdown: Shutdown,
    *,
    max_attempts: int | None = None,
    expected: tuple[type[Exception], ...] = (),
    **subject: str,
) -> str:
    """Does the work; after an unforeseen exception again, with growing pauses, until it is done.

    Returns the id of the last exception after `max_attempts` (None: without limit), empty once the work is done. Raises
    ShutdownRequested and the `expected` exceptions, also in groups.
    """
    pauses = exponential_backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
    for attempts in count(1):
        try:
            await work()
        except Exception as error:
            if _contains(error, (ShutdownRequested, *expected)):
                raise
            incident = log_incident(**subject)
            if attempts == max_attempts:
                return incident
        else:
            return ""
        await shutdown.sleep(next(pauses))
    raise AssertionError("it counts without end")


def _contains(error: Exception, kinds: tuple[type[Exception], ...]) -> bool:
    return isinstance(error, kinds) or (isinstance(error, ExceptionGroup) and error.subgroup(kinds) is not None)
