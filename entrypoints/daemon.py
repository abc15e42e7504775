"""The daemon: lifetimes, signals, exit status."""

import asyncio
import signal
from contextlib import AsyncExitStack
from enum import IntEnum

import structlog

from application.resilience.shutdown import Shutdown
from application.supervisor import ChatAccessDenied, Supervisor
from domain.errors import AuthenticationFailed, StorageError
from entrypoints.config.settings import ReceiveMode, Settings
from entrypoints.container import Container, lifetimes
from entrypoints.http import PortUnavailable
from entrypoints.observability.logs import log_unhandled_errors

log = structlog.get_logger()

_GRACE_SECONDS = 8.0
"""For work in hand after a signal; what is not finished by then is kept for the next start. 10 s are promised."""
_BUG = "a bug; please report it with this traceback"


class ExitStatus(IntEnum):
    """What the process's exit status means."""

    OK = 0
    FAILED = 1
    INVALID_SETTINGS = 2


async def run_daemon(container: Container) -> ExitStatus:
    """Run the pack until SIGTERM or SIGINT. What goes wrong is logged with what to do next."""
    log_unhandled_errors(asyncio.get_running_loop())
    try:
        await _run(container)
    except Exception as error:
        reason = _reason(error, container.settings())
        if reason is None:
            log.exception("pack_failed", reason=_BUG)  # Python's own traceback would keep no secret to itself
        else:
            log.error("pack_failed", reason=reason)  # noqa: TRY400 - no bug: the reason says what to do
        return ExitStatus.FAILED
    log.info("stopped")
    return ExitStatus.OK


async def _run(container: Container) -> None:
    stop = container.stop()
    _install_signal_handlers(stop)
    for warning in container.settings().warnings:
        log.warning("odd_setting", variable=warning.variable, message=warning.message)
    async with AsyncExitStack() as open_ones:
        for opening in lifetimes(container):
            await open_ones.enter_async_context(opening)
        await _serve(container.service(), stop)


def _install_signal_handlers(stop: Shutdown) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _request_shutdown, stop, number.name)


def _request_shutdown(stop: Shutdown, signal_name: str) -> None:
    log.info("stopping", signal=signal_name)
    stop.request()


async def _serve(service: Supervisor, stop: Shutdown) -> None:
    """Run the service to its end: of its own accord, or within the grace period after the stop was asked for."""
    serving = asyncio.create_task(service.run(), name="service")
    asked = asyncio.create_task(stop.requested(), name="stop requested")
    try:
        await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({serving}, timeout=_GRACE_SECONDS)
        if not serving.done():
            log.warning("work_in_hand_interrupted", grace_seconds=_GRACE_SECONDS)
    finally:
        asked.cancel()
        serving.cancel()
        await asyncio.gather(serving, asked, return_exceptions=True)
    if not serving.cancelled():
        serving.result()


def _reason(error: Exception, settings: Settings) -> str | None:
    """What to tell the operator; None for what nobody foresaw."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    match error:
        case StorageError() | PortUnavailable():
            return str(error)
        case ChatAccessDenied():
            return _remedy(error, settings)
        case _:
            return None


def _remedy(error: ChatAccessDenied, settings: Settings) -> str:
    """Why Slack does not want this pack, and which variable to look at."""
    if not error.by_receiver or settings.receive_mode is ReceiveMode.HTTP:
        is_token = isinstance(error.refusal, AuthenticationFailed)
        return f"{'FLYTE_SLACK_TOKEN' if is_token else 'FLYTE_SLACK_API_URL'}: {error.refusal}"
    if settings.receive_mode is ReceiveMode.SOCKET_MODE:
        return f"FLYTE_SLACK_APP_TOKEN: {error.refusal}"
    return (
        f"this token can't receive by RTM ({error.refusal}): set FLYTE_SLACK_APP_TOKEN to receive by Socket Mode, "
        "or FLYTE_SLACK_SIGNING_SECRET to receive signed HTTP requests"
    )
