"""Logs to standard error: JSON lines, or readable lines in a terminal, without secrets."""

import asyncio
import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from entrypoints.observability.journald import is_journal, rendered_with_priority
from entrypoints.observability.redaction import Redactor
from entrypoints.observability.repeats import RepeatLimiter
from entrypoints.terminal_text import escape_controls

log = structlog.get_logger()

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_NOISY_LOGGERS: Final = {
    "slack_sdk": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    "psycopg": logging.ERROR,
    "opentelemetry.exporter": logging.ERROR,
}
"""The levels of noisy loggers: below them they log whole responses with socket tickets, a line for each health check,
or several lines for each connection that the storage reports as lost and each batch of spans that is not exported at
once."""

_BARE_WORD: Final = re.compile(r"[^\s\"'=\\]+")
_COLOURS: Final = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "31;1"}
_TIME_OF_DAY: Final = slice(11, 19)


def configure_logs(
    level: str, *, secrets: Iterable[str] = (), stream: TextIO | None = None, journal_stream: str = ""
) -> RepeatLimiter:
    """Sends the log lines of structlog and the standard library, from this level on, to `stream` (standard error).

    `level` is `debug`, `info`, `warning` or `error`. `secrets` must not appear in any line. Each line has its priority
    if systemd's variable JOURNAL_STREAM, `journal_stream`, names the stream. May be called again. Returns what limits
    the repeats.
    """
    stream = stream or sys.stderr
    repeats = RepeatLimiter()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            repeats,
            structlog.processors.format_exc_info,
            _redact_with(Redactor(secrets)),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _renderer(stream, journal_stream),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _LineWriter(stream),
    )
    _redirect_standard_logging(_LEVELS[level])
    return repeats


def log_unhandled_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Logs the errors of callbacks, and of tasks whose result is never retrieved."""
    loop.set_exception_handler(_log_loop_error)


def _log_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    task = context.get("task") or context.get("future")
    log.error(
        "error_in_event_loop",
        message=str(context.get("message", "")).partition("(")[0],  # foreign text follows: a callback's arguments
        task=task.get_name() if isinstance(task, asyncio.Task) else "",
        exc_info=context.get("exception"),
    )


class _LineWriter:
    """Writes lines, and drops those that can't be written: a broken log must not stop the pack."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            pass

    debug = info = warning = error = critical = msg


def _redact_with(redactor: Redactor) -> Processor:
    def redact(_: WrappedLogger, __: str, fields: EventDict) -> EventDict:
        if redactor.may_change(fields.values()):
            return {name: redactor.redact(value) for name, value in fields.items()}
        return fields

    return redact


def _renderer(stream: TextIO, journal_stream: str) -> Processor:
    if stream.isatty():
        return _render_for_terminal(stream.encoding)
    return rendered_with_priority(_render_json) if is_journal(stream, journal_stream) else _render_json


def _render_json(_: WrappedLogger, __: str, fields: EventDict) -> str:
    head = {name: fields.pop(name) for name in ("timestamp", "level", "event")}
    return json.dumps({**head, **fields}).replace("\x7f", "\\u007f")


def _render_for_terminal(encoding: str) -> Processor:
    """Renders a line with time of day, level, event and fields, followed by an indented traceback."""

    def render(_: WrappedLogger, __: str, fields: EventDict) -> str:
        time, level, event = fields.pop("timestamp")[_TIME_OF_DAY], fields.pop("level"), fields.pop("event")
        traceback = fields.pop("exception", "").splitlines()
        pairs = [f"{name}={_format_value(value)}" for name, value in fields.items()]
        head = f"{time} \x1b[{_COLOURS[level]}m{level:<8}\x1b[0m {escape_controls(str(event))}"
        text = "\n".join([" ".join([head, *pairs]), *(f"    {escape_controls(line)}" for line in traceback)])
        return text.encode(encoding, "backslashreplace").decode(encoding)

    return render


def _format_value(value: object) -> str:
    is_bare = isinstance(value, str) and _BARE_WORD.fullmatch(value)
    return escape_controls(str(value) if is_bare else json.dumps(value, ensure_ascii=False))


def _redirect_standard_logging(level: int) -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _StructlogHandler)]:
        root.removeHandler(handler)
    root.addHandler(_StructlogHandler())
    root.setLevel(level)
    for name, least in _NOISY_LOGGERS.items():
        logging.getLogger(name).setLevel(max(level, least))
    logging.captureWarnings(capture=True)


class _StructlogHandler(logging.Handler):
    """Passes records of the standard library's logging to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        level = max(known for known in (0, *_LEVELS.values()) if known <= record.levelno)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - arguments that don't fit the message must not stop the caller
            message = str(record.msg)
        structlog.get_logger().log(level or logging.DEBUG, message, logger=record.name, exc_info=record.exc_info)
