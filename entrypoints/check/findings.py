"""What a check finds: one line for each thing looked at."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What came of looking at one thing."""

    OK = "ok"
    WARNING = "warning"
    """The pack can run; something will be missing, or is better known."""
    FAILED = "failed"
    """The pack can't do its work like this."""
    SKIPPED = "skipped"
    """It could not be looked at, and the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    check: str
    """What was looked at; stays the same from release to release."""
    status: Status
    message: str
    remedy: str = ""
    """What to click, type or set so that it is well; empty where there is nothing to do."""


def ok(check: str, message: str) -> Finding:
    """All is well there."""
    return Finding(check, Status.OK, message)


def warning(check: str, message: str, remedy: str) -> Finding:
    """The pack can run with it."""
    return Finding(check, Status.WARNING, message, remedy)


def failed(check: str, message: str, remedy: str) -> Finding:
    """The pack can't do its work with it."""
    return Finding(check, Status.FAILED, message, remedy)


def skipped(check: str, reason: str, remedy: str = "") -> Finding:
    """It could not be looked at."""
    return Finding(check, Status.SKIPPED, reason, remedy)


def problem(error: Exception) -> str:
    """What our errors say before the first semicolon; what to do about it, which follows there, is the mend's part."""
    return str(error).partition("; ")[0]


def all_skipped(checks: Iterable[str], reason: str) -> Iterator[Finding]:
    """None of these could be looked at."""
    return (skipped(check, reason) for check in checks)
