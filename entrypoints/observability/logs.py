"""Logs on standard error: JSON lines, or readable ones in a terminal; no secret in any of them."""

import asyncio
import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from entrypoints.observability.redaction import Redactor

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_NOISY_LOGGERS: Final = ("slack_sdk", "aiohttp.access")
"""Libraries that log whole answers, tickets included, or a line for each health check, below WARNING."""

_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What could forge a line, steer a terminal, turn the direction of writing, or not be encoded."""
_BARE: Final = re.compile(r"[^\s\"'=\\]+")
_COLOURS: Final = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "31;1"}
_TIME_OF_DAY: Final = slice(11, 19)


def configure_logs(level: str, *, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Send what structlog and the standard library log, from this level on, to `stream` (standard error).

    `level` is `debug`, `info`, `warning` or `error`. `secrets` are texts that must not be in any line. Can be called
    again.
    """
    stream = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _RedactingProcessor(Redactor(secrets)),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _TerminalRenderer(stream.encoding) if stream.isatty() else _json_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _LineWriter(stream),
    )
    _redirect_standard_logging(_LEVELS[level])


def log_unhandled_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Log what nobody awaited: errors of callbacks, and of tasks that ended without having been asked."""
    loop.set_exception_handler(_log_loop_error)


def _log_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    task = context.get("task") or context.get("future")
    structlog.get_logger().error(
        "error_in_event_loop",
        message=str(context.get("message", "")).partition("(")[0],  # a callback's arguments follow: foreign text
        task=task.get_name() if isinstance(task, asyncio.Task) else "",
        exc_info=context.get("exception"),
    )


class _LineWriter:
    """Writes lines. One that can't be written is lost: the pack's work does not hang on its log."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # ValueError: the stream is closed
            pass

    debug = info = warning = error = critical = msg


class _RedactingProcessor:
    """Takes the secrets out of every field."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _: WrappedLogger, __: str, fields: EventDict) -> EventDict:
        return {name: self._redactor.redact(value) for name, value in fields.items()}


def _json_line(_: WrappedLogger, __: str, fields: EventDict) -> str:
    head = {name: fields.pop(name) for name in ("timestamp", "level", "event")}
    return json.dumps({**head, **fields}).replace("\x7f", "\\u007f")


class _TerminalRenderer:
    """A line for a person: time of day, level, event, fields; below it a traceback, indented."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding

    def __call__(self, _: WrappedLogger, __: str, fields: EventDict) -> str:
        time, level, event = fields.pop("timestamp")[_TIME_OF_DAY], fields.pop("level"), fields.pop("event")
        traceback = fields.pop("exception", "").splitlines()
        pairs = [f"{name}={_format_value(value)}" for name, value in fields.items()]
        head = f"{time} \x1b[{_COLOURS[level]}m{level:<8}\x1b[0m {escape_controls(str(event))}"
        text = "\n".join([" ".join([head, *pairs]), *(f"    {escape_controls(line)}" for line in traceback)])
        return text.encode(self._encoding, "backslashreplace").decode(self._encoding)


def _format_value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    bare = not isinstance(value, str) or _BARE.fullmatch(text)
    return escape_controls(text if bare else json.dumps(text, ensure_ascii=False))


def escape_controls(text: str) -> str:
    """The text with control characters, and others that could mislead a reader's eye, written as escapes."""
    return _CONTROLS.sub(lambda control: f"\\u{ord(control[0]):04x}", text)


def _redirect_standard_logging(level: int) -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _StructlogHandler)]:
        root.removeHandler(handler)
    root.addHandler(_StructlogHandler())
    root.setLevel(level)
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)


class _StructlogHandler(logging.Handler):
    """What libraries log goes the same way as what the pack logs."""

    def emit(self, record: logging.LogRecord) -> None:
        level = max(known for known in (0, *_LEVELS.values()) if known <= record.levelno)
        structlog.get_logger().log(
            level or logging.DEBUG, record.getMessage(), logger=record.name, exc_info=record.exc_info
        )
