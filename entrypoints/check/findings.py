"""Findings: the result of each check."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
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
    ends_start: str = ""
    """Why a pack that is started now would exit at once; empty if it would not."""

    def before_start(self) -> "Finding":
        """Returns what it means to a pack that is about to start: it fails only if that would exit."""
        if self.ends_start:
            return replace(self, status=Status.FAILED, message=self.ends_start)
        return replace(self, status=Status.WARNING) if self.status is Status.FAILED else self


def ok(check: str, message: str) -> Finding:
    """No problem found."""
    return Finding(check, Status.OK, message)


def warning(check: str, message: str, remedy: str) -> Finding:
    """A problem with which the pack can run."""
    return Finding(check, Status.WARNING, message, remedy)


def failed(check: str, message: str, remedy: str, *, ends_start: bool = False) -> Finding:
    """A problem with which the pack can't do its work; with `ends_start` it exits at once if it is started."""
    return Finding(check, Status.FAILED, message, remedy, message if ends_start else "")


def skipped(check: str, reason: str, remedy: str = "") -> Finding:
    """A check that was not possible, or a feature that is not available."""
    return Finding(check, Status.SKIPPED, reason, remedy)


def all_skipped(checks: Iterable[str], reason: str) -> Iterator[Finding]:
    """Checks that were not possible, all for the same reason."""
    return (skipped(check, reason) for check in checks)


def problem(error: Exception) -> str:
    """Returns the part of an error's text before the first semicolon; the advice after it is left to the remedy."""
    return str(error).partition("; ")[0]


def advice(error: Exception) -> str:
    """Returns the part of an error's text after the first semicolon; empty if there is none."""
    return str(error).partition("; ")[2]
