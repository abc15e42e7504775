"""`flyte-slack check`: from environment variables to a report and an exit status."""

import io
import sys
from collections.abc import Mapping

import uvloop

from adapters.system_clock import SystemClock
from application.ports.clock import Clock
from entrypoints.check.configuration import settings_failures
from entrypoints.check.report import Report
from entrypoints.check.runner import run_checks
from entrypoints.config.issues import SettingsError
from entrypoints.config.settings import Settings, load_settings
from entrypoints.exit_status import ExitStatus
from entrypoints.observability.logs import configure_logs
from entrypoints.observability.redaction import Redactor


def check(environ: Mapping[str, str], *, as_json: bool, is_gate: bool) -> ExitStatus:
    """Checks everything that these variables configure, and prints a report with suggested fixes.

    With `is_gate`, only what would end a start fails.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    has_colours = not environ.get("NO_COLOR")
    try:
        settings = load_settings(environ)
    except SettingsError as error:
        report = Report(sys.stdout, Redactor(), as_json=as_json, has_colours=has_colours, is_gate=is_gate)
        for finding in settings_failures(error):
            report.add(finding)
        report.finish()
        return ExitStatus.INVALID_SETTINGS
    configure_logs("error", secrets=settings.secret_texts)
    redactor = Redactor(settings.secret_texts)
    report = Report(sys.stdout, redactor, as_json=as_json, has_colours=has_colours, is_gate=is_gate)
    uvloop.run(_run(settings, SystemClock(), report))
    return ExitStatus.FAILED if report.has_failures else ExitStatus.OK


async def _run(settings: Settings, clock: Clock, report: Report) -> None:
    await run_checks(settings, clock, report.add)
    report.finish()
