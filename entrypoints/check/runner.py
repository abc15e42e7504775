"""Runs all checks concurrently, and reports their findings in a fixed order."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

import structlog

from adapters.storage_urls import create_storage, directory_of, is_postgresql
from application.ports.clock import Clock
from entrypoints.check.clock_skew import ClockSkews, check_clock
from entrypoints.check.configuration import check_settings
from entrypoints.check.findings import Finding, failed
from entrypoints.check.flyte import check_flyte
from entrypoints.check.http_port import check_http, find_running_pack
from entrypoints.check.recording import check_recording
from entrypoints.check.slack import check_slack
from entrypoints.check.storage import check_storage
from entrypoints.check.storage_place import StoragePlace, look_at_directory
from entrypoints.config.settings import Settings

log = structlog.get_logger()

_REQUEST_SECONDS: Final = 4.0


async def run_checks(
    settings: Settings, clock: Clock, report: Callable[[Finding], None], request_seconds: float = _REQUEST_SECONDS
) -> None:
    """Checks everything and reports each finding in its turn. Changes nothing anywhere.

    A request takes at most `request_seconds`, and all checks together little more than three times as long.
    """
    skews = ClockSkews(clock)
    storage_url = settings.storage_url.reveal()
    storage = create_storage(storage_url, clock).describe()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(find_running_pack(settings), name="find the running pack")
        place = tasks.create_task(_look_at(storage_url, 2 * request_seconds), name="look at the storage")
        subjects = [
            tasks.create_task(_collect(name, findings, 3 * request_seconds + 1), name=f"check {name}")
            for name, findings in (
                ("slack", check_slack(settings, clock, skews, place, request_seconds)),
                ("flyte", check_flyte(settings, clock, skews, running, place, request_seconds)),
                ("http", check_http(settings, clock, running)),
                ("storage", check_storage(storage, place, running)),
            )
        ]
        for finding in check_settings(settings, storage):
            report(finding)
        for subject in subjects:
            for finding in await subject:
                report(finding)
    if settings.record:
        report(check_recording(settings.record))
    report(check_clock(skews))


async def _look_at(url: str, seconds: float) -> StoragePlace:
    if is_postgresql(url):
        from entrypoints.check.database import look_at_database  # noqa: PLC0415 - needs psycopg

        return await look_at_database(url, seconds)
    directory = directory_of(url)
    return StoragePlace() if directory is None else await asyncio.to_thread(look_at_directory, directory)


async def _collect(subject: str, findings: AsyncGenerator[Finding, None], seconds: float) -> list[Finding]:
    """Returns the findings, including those made before a time-out or a bug."""
    found: list[Finding] = []
    try:
        async with asyncio.timeout(seconds), aclosing(findings):
            async for finding in findings:
                found.append(finding)  # noqa: PERF401 - findings made before an error count
    except TimeoutError:
        found.append(failed(subject, f"not complete after {seconds:g} s", "run the check again"))
    except Exception as error:
        log.exception("check_broken", subject=subject)
        found.append(failed(subject, f"this check failed ({type(error).__name__})", "please report the traceback"))
    return found
