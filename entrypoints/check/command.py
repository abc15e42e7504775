"""`flyte-slack check`: from the environment to a report and an exit status."""

import io
import sys
from collections.abc import Mapping

import uvloop

from adapters.system_clock import SystemClock
from application.ports.clock import Clock
from entrypoints.check.configuration import settings_failures
from entrypoints.check.findings import Finding, Status
from entrypoints.check.report import Report
from entrypoints.check.runner import run_checks
from entrypoints.config.settings import Settings, SettingsError, load_settings
from entrypoints.daemon import ExitStatus
from entrypoints.observability.logs import configure_logs
from entrypoints.observability.redaction import Redactor


def check(environ: Mapping[str, str], *, as_json: bool) -> ExitStatus:
    """Look at everything that these variables configure, and print what is wrong and how to mend it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        settings = load_settings(environ)
    except SettingsError as error:
        report = Report(sys.stdout, Redactor(), as_json=as_json)
        for mistake in settings_failures(error):
            report.add(mistake)
        report.finish()
        return ExitStatus.INVALID_SETTINGS
    configure_logs("error", secrets=settings.secret_texts)
    report = Report(sys.stdout, Redactor(settings.secret_texts), as_json=as_json)
    return uvloop.run(run(settings, SystemClock(), report))


async def run(settings: Settings, clock: Clock, report: Report) -> ExitStatus:
    """Tell the report everything that was found; the status is by the worst."""
    has_failed = False

    def tell(finding: Finding) -> None:
        nonlocal has_failed
        has_failed = has_failed or finding.status is Status.FAILED
        report.add(finding)

    with report.progress():
        await run_checks(settings, clock, tell)
    report.finish()
    return ExitStatus.FAILED if has_failed else ExitStatus.OK
