"""Findings: the result of each check."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    """The pack can run, but a feature is missing or something deserves attention."""
    FAILED = "failed"
    """The pack can't do its work."""
    SKIPPED = "skipped"
    """Could not be checked, or is not available; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    check: str
    """The check's name; stable across releases."""
    status: Status
    message: str
    remedy: str = ""
    """What to click, type or set to fix it; empty when there is nothing to do."""


def ok(check: str, message: str) -> Finding:
    """No problem found."""
    return Finding(check, Status.OK, message)


def warning(check: str, message: str, remedy: str) -> Finding:
    """A problem with which the pack can run."""
    return Finding(check, Status.WARNING, message, remedy)


def failed(check: str, message: str, remedy: str) -> Finding:
    """A problem with which the pack can't do its work."""
    return Finding(check, Status.FAILED, message, remedy)


def skipped(check: str, reason: str, remedy: str = "") -> Finding:
    """A check that was not possible, or a feature that is not available."""
    return Finding(check, Status.SKIPPED, reason, remedy)


def all_skipped(checks: Iterable[str], reason: str) -> Iterator[Finding]:
    """Checks that were not possible, all for the same reason."""
    return (skipped(check, reason) for check in checks)


def problem(error: Exception) -> str:
    """Returns the part of an error's text before the first semicolon; the advice after it is left to the remedy."""
    return str(error).partition("; ")[0]
