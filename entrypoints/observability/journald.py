"""Priorities of lines in systemd's journal, which reads them from the beginning of each line: `<3>` is an error."""

import os
from typing import Final, TextIO

from structlog.typing import EventDict, Processor, WrappedLogger

_PRIORITIES: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""Syslog's priorities, by level."""


def is_journal(stream: TextIO, journal_stream: str) -> bool:
    """Returns whether the stream leads to the journal, by systemd's variable JOURNAL_STREAM: device and inode."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # ValueError: the stream is closed
        return False
    return journal_stream == f"{status.st_dev}:{status.st_ino}"


def with_priority(text: str, level: str) -> str:
    """Returns the text with a priority at the beginning of each line."""
    prefix = f"<{_PRIORITIES[level]}>"
    return prefix + text.replace("\n", f"\n{prefix}")


def rendered_with_priority(render: Processor) -> Processor:
    """Puts the priority of its level before each line that `render` makes."""

    def render_line(logger: WrappedLogger, method: str, fields: EventDict) -> str:
        level = fields["level"]
        return with_priority(str(render(logger, method, fields)), level)

    return render_line
