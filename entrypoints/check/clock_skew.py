"""Compares the machine's clock with those of Slack and Flyte."""

from datetime import datetime, timedelta
from typing import Final

from application.ports.clock import Clock
from entrypoints.check.findings import Finding, failed, ok, skipped, warning

CLOCK = "clock"

_MAX_SKEW_SECONDS: Final = 60.0
"""Beyond it the times of events and log lines mislead. What is compared with a server's time does not use our clock."""
_HALF_A_SECOND: Final = timedelta(seconds=0.5)
"""Servers truncate their time to whole seconds: on average it was this much later."""
_SYNCHRONISE: Final = "sudo timedatectl set-ntp true"


class ClockSkews:
    """The difference between this machine's clock and each server's."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = {}
        """By server name; positive when this machine is ahead."""

    def record(self, server: str, server_time: datetime | None) -> None:
        """Notes the time in a response that just arrived; None when it contained none."""
        if server_time is not None:
            self.seconds[server] = (self._clock.now() - server_time - _HALF_A_SECOND).total_seconds()


def check_clock(skews: ClockSkews) -> Finding:
    """Checks this machine's clock, once all responses are in."""
    off = {server: seconds for server, seconds in skews.seconds.items() if abs(seconds) > _MAX_SKEW_SECONDS}
    if not skews.seconds:
        return skipped(CLOCK, "neither Slack nor Flyte sent the time")
    if not off:
        names = " and ".join(sorted(skews.seconds, reverse=True))
        return ok(CLOCK, f"within {max(1, round(max(map(abs, skews.seconds.values()))))} s of {names}")
    difference = " and ".join(
        f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} {server}" for server, seconds in off.items()
    )
    if list(off) == ["Flyte"] and "Slack" in skews.seconds:
        message = f"Flyte's clock is wrong: this machine is {difference}"
        return warning(CLOCK, message, f"on Flyte's host: {_SYNCHRONISE}")
    return failed(CLOCK, f"this machine is {difference}", f"{_SYNCHRONISE} (for a container: on its host)")
