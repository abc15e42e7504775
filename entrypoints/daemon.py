"""The daemon process: opens the adapters, runs the pack until a signal, and returns an exit status."""

import asyncio
import gc
import signal
from contextlib import AsyncExitStack
from typing import Final

import structlog

from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.supervisor import ChatAccessDenied, Supervisor
from domain.errors import StorageError
from entrypoints.config.settings import ReceiveMode, Settings, public_values
from entrypoints.container.daemon import Daemon, lifetimes
from entrypoints.exit_status import ExitStatus
from entrypoints.http import PortUnavailable
from entrypoints.http_limits import raise_open_file_limit
from entrypoints.observability.logs import log_unhandled_errors
from entrypoints.observability.repeats import RepeatLimiter

log = structlog.get_logger()

_GRACE_SECONDS: Final = 6.0
"""The time for unfinished work after a signal; the next start resumes the rest.

The documentation promises exit in 10 s. A storage whose server is frozen takes three of them to close.
"""
_NEW_OBJECTS_PER_COLLECTION: Final = 5000
_ADDRESS: Final = "FLYTE_SLACK_API_URL"
"""Errors of a server that is not Slack name it."""
_BUG: Final = "a bug; please report it with this traceback"


async def run_daemon(daemon: Daemon, repeats: RepeatLimiter) -> ExitStatus:
    """Runs the pack until SIGTERM or SIGINT. A fatal error is logged with a suggested fix."""
    log_unhandled_errors(asyncio.get_running_loop())
    raise_open_file_limit()
    try:
        async with repeats.reporting():
            await _run(daemon)
    except Exception as error:
        reason = _reason(error, daemon.settings())
        if reason is None:
            log.exception("pack_failed", reason=_BUG)  # Python's own traceback would not be redacted
        else:
            log.error("pack_failed", reason=reason)  # noqa: TRY400 - not a bug: the reason suggests a fix
        return ExitStatus.FAILED
    log.info("stopped")
    return ExitStatus.OK


async def _run(daemon: Daemon) -> None:
    shutdown = daemon.application.shutdown()
    _install_signal_handlers(shutdown)
    _log_start(daemon)
    for warning in daemon.settings().warnings:
        log.warning("odd_setting", variable=warning.variable, message=warning.message)
    async with AsyncExitStack() as stack:
        try:
            for lifetime in lifetimes(daemon):
                await stack.enter_async_context(lifetime)
        except ShutdownRequested:  # while it waited for the server of its storage
            return
        _collect_garbage()
        await _run_until_shutdown(daemon.application.supervisor(), shutdown)


def _log_start(daemon: Daemon) -> None:
    settings = daemon.settings()
    log.info(
        "starting",
        version=daemon.application.version(),
        mode=settings.receive_mode.value,
        pack=settings.pack_name,
        labels=settings.flyte_labels,
        storage=daemon.adapters.storage().describe().location,
        settings=public_values(settings),
    )


def _collect_garbage() -> None:
    """Turns garbage collection on, for objects created from now on only.

    Loaded modules stay to the end: searching them again and again would find nothing.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS_PER_COLLECTION)
    gc.enable()


def _install_signal_handlers(shutdown: Shutdown) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _request_shutdown, shutdown, number.name)


def _request_shutdown(shutdown: Shutdown, signal_name: str) -> None:
    log.info("stopping", signal=signal_name)
    shutdown.request()
    asyncio.get_running_loop().call_later(_GRACE_SECONDS, shutdown.end_grace)


async def _run_until_shutdown(supervisor: Supervisor, shutdown: Shutdown) -> None:
    """Runs the supervisor until it returns; after a shutdown request, for the grace period at most."""
    running = asyncio.create_task(supervisor.run(), name="supervisor")
    requested = asyncio.create_task(shutdown.requested(), name="shutdown requested")
    try:
        await asyncio.wait({running, requested}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({running}, timeout=_GRACE_SECONDS)
        if not running.done():
            log.warning("work_in_hand_interrupted", grace_seconds=_GRACE_SECONDS)
    finally:
        requested.cancel()
        running.cancel()
        await asyncio.gather(running, requested, return_exceptions=True)
    if not running.cancelled():
        running.result()


def _reason(error: Exception, settings: Settings) -> str | None:
    """Returns the cause of a fatal error, for the operator; None for a bug."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    match error:
        case StorageError() | PortUnavailable():
            return str(error)
        case ChatAccessDenied():
            return _access_denied(error, settings)
        case _:
            return None


def _access_denied(error: ChatAccessDenied, settings: Settings) -> str:
    """Returns Slack's reason for rejecting the pack, and the variable to correct."""
    if _ADDRESS in str(error.rejection):
        return f"{_ADDRESS}: {error.rejection}"
    is_about_socket = error.by_receiver and settings.receive_mode is ReceiveMode.SOCKET_MODE
    return f"{'FLYTE_SLACK_APP_TOKEN' if is_about_socket else 'FLYTE_SLACK_TOKEN'}: {error.rejection}"
