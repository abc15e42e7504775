"""The machine's clock, held against those of the servers that the pack speaks with."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from application.ports.clock import Clock
from entrypoints.check.findings import Finding, failed, ok, skipped, warning

CLOCK = "clock"

_MAX_SKEW_SECONDS: Final = 60.0
"""Further off, a post in doubt is looked for at the wrong time, and soon Slack's signed requests count as too old."""
_HALF_A_SECOND: Final = timedelta(seconds=0.5)
"""Servers tell whole seconds, cut off: on the average it was this much later."""
_SYNCHRONISE: Final = "sudo timedatectl set-ntp true"


class ClockSkews:
    """How far this machine's clock is from each server's, as their answers tell."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = {}
        """By the server's name; positive when this machine is ahead."""

    def record(self, server: str, sent_at: datetime | None) -> None:
        """An answer came in just now; None when it did not tell the time."""
        if sent_at is not None:
            self.seconds[server] = (self._clock.now() - sent_at - _HALF_A_SECOND).total_seconds()


def check_clock(skews: ClockSkews) -> Iterator[Finding]:
    """Whether this machine's clock is right, when all answers are in."""
    off = {server: seconds for server, seconds in skews.seconds.items() if abs(seconds) > _MAX_SKEW_SECONDS}
    if not skews.seconds:
        yield skipped(CLOCK, "neither Slack nor Flyte told the time")
    elif not off:
        names = " and ".join(sorted(skews.seconds, reverse=True))
        yield ok(CLOCK, f"within {max(1, round(max(map(abs, skews.seconds.values()))))} s of that of {names}")
    elif list(off) == ["Flyte"] and "Slack" in skews.seconds:
        yield warning(
            CLOCK, f"Flyte's is wrong: this machine's {_describe(off)}", f"on Flyte's machine: {_SYNCHRONISE}"
        )
    else:
        yield failed(CLOCK, f"this machine's {_describe(off)}", f"{_SYNCHRONISE} (for a container: on its host)")


def _describe(off: dict[str, float]) -> str:
    return " and ".join(
        f"is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} that of {server}"
        for server, seconds in off.items()
    )
