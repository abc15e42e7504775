"""Limits repeated log lines: lets some through in a minute, and reports the number of the others."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

log = structlog.get_logger()

_LINES: Final = 10
_PERIOD_SECONDS: Final = 60.0
_MAX_SUBJECTS: Final = 10_000
_LIMITED_INFO: Final = (
    "action_kept_for_next_start",
    "answer_taken",
    "doubt_resolved",
    "healthy",
    "hearing",
    "paced",
    "registered",
    "slack_socket_open",
    "throttled",
    "unhealthy",
)
"""Events of level INFO of which there are many while Slack or Flyte fails."""
_PER_CHANNEL: Final = ("paced", "throttled")
"""Events of which ten lines pass for each channel or method, since they concern that one only."""
_UNLIMITED: Final = ("action_concluded", "lines_left_out")
"""Events of level WARNING of which every line passes: how an action ended, and the report itself."""


@dataclass(slots=True)
class _Period:
    began_at: float
    lines: int = 0


class RepeatLimiter:
    """A structlog processor that lets ten lines of a kind pass in a minute, and counts the rest.

    The kind is the event or, of other libraries, the logger. Lines about normal work pass, and so do errors, which
    concern an entry each, unless they announce another attempt.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` returns seconds."""
        self._now = now
        self._periods: dict[str, _Period] = {}
        self._left_out: dict[str, int] = {}

    def __call__(self, _: WrappedLogger, level: str, fields: EventDict) -> EventDict:
        """Returns the line. Raises structlog.DropEvent to leave it out."""
        kind = str(fields.get("logger") or fields["event"])
        if not _may_repeat(level, kind, fields) or self._is_within_limit(_subject(kind, fields)):
            return fields
        self._left_out[kind] = self._left_out.get(kind, 0) + 1
        raise structlog.DropEvent

    @asynccontextmanager
    async def reporting(self) -> AsyncIterator[None]:
        """Reports once a minute, and at the end."""
        task = asyncio.create_task(self._report_periodically(), name="report repeats")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            self.report()

    def report(self) -> None:
        """Logs how many lines have been left out since the last report."""
        left_out, self._left_out = self._left_out, {}
        for kind, count in left_out.items():
            log.warning("lines_left_out", of=kind, count=count)

    async def _report_periodically(self) -> None:
        while True:
            await asyncio.sleep(_PERIOD_SECONDS)
            self.report()

    def _is_within_limit(self, subject: str) -> bool:
        now = self._now()
        period = self._periods.get(subject)
        if period is None or now - period.began_at >= _PERIOD_SECONDS:
            if len(self._periods) >= _MAX_SUBJECTS:
                self._periods.clear()
            period = self._periods[subject] = _Period(now)
        period.lines += 1
        return period.lines <= _LINES


def _subject(kind: str, fields: EventDict) -> str:
    return f"{kind} {fields.get('channel') or fields.get('method')}" if kind in _PER_CHANNEL else kind


def _may_repeat(level: str, kind: str, fields: EventDict) -> bool:
    if kind in _UNLIMITED:
        return False
    return level == "warning" or kind in _LIMITED_INFO or "again_in_seconds" in fields or "logger" in fields
