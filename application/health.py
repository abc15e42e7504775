"""How the pack is doing: what its parts report, and what whoever watches over it reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import structlog

from domain.errors import AuthenticationFailed, ChatError, ChatRejected, Unreachable

log = structlog.get_logger()

CHECKS = ("flyte", "slack", "storage", "outbox")
"""What is looked at, in the order in which it is shown."""

_NO_FIGURES = str.maketrans("", "", "0123456789")


@dataclass(frozen=True, slots=True)
class HealthStatus:
    """What one part of the pack last said of itself."""

    healthy: bool
    status: str
    """In a few words. It is shown to anyone who asks: no channel, no user, no text, no URL."""


class HealthRegistry:
    """Holds the latest report of every check. Each is unhealthy (`starting`) until it was reported."""

    def __init__(self) -> None:
        self._checks = {name: HealthStatus(healthy=False, status="starting") for name in CHECKS}

    def checks(self) -> Mapping[str, HealthStatus]:
        """The latest reports by the names of `CHECKS`, in that order; follows later reports."""
        return MappingProxyType(self._checks)

    @property
    def is_healthy(self) -> bool:
        """Whether every check is."""
        return all(check.healthy for check in self._checks.values())

    def report(self, check: str, *, healthy: bool, status: str) -> None:
        """Replace what is known of a check; logged when it turns, or is unhealthy for another reason than before.

        Figures within a status may move without being another reason. ValueError for a name not in `CHECKS`.
        """
        if check not in self._checks:
            raise ValueError(f"there is no check {check!r}; there are: {', '.join(CHECKS)}")
        before = self._checks[check]
        now = self._checks[check] = HealthStatus(healthy, status)
        if now.healthy and not before.healthy:
            log.info("healthy", check=check, status=status)
        elif not now.healthy and (before.healthy or _reason(before) != _reason(now)):
            log.warning("unhealthy", check=check, status=status)


def _reason(check: HealthStatus) -> str:
    return check.status.translate(_NO_FIGURES)


class ChatHealth:
    """What is known of the chat service: whether it answers, takes the token, and lets the pack hear."""

    def __init__(self, health: HealthRegistry) -> None:
        self._health = health
        self._api_problem = "starting"
        self._receiver_problem = "starting"
        self.token_is_refused = False
        """Since the last answer that said so."""

    def on_success(self) -> None:
        """The service did what was asked."""
        self.token_is_refused = False
        self._update(asking="")

    def on_error(self, error: ChatError) -> None:
        """The service did not do what was asked. A plain refusal says nothing against its health."""
        if isinstance(error, AuthenticationFailed):
            self.token_is_refused = True
            self._update(asking=f"the token is refused ({error.code})")
        elif isinstance(error, Unreachable):
            self._update(asking="out of reach")
        elif isinstance(error, ChatRejected):
            self.on_success()

    def on_access_lost(self, reason: str) -> None:
        """The service announced that the token is no longer good."""
        self.token_is_refused = True
        self._update(asking=f"the token is refused ({reason})")

    def on_receiver_status(self, problem: str = "") -> None:
        """Whether the pack hears what is said: empty when it does, otherwise why not."""
        self._receiver_problem = problem
        self._report()

    def _update(self, *, asking: str) -> None:
        self._api_problem = asking
        self._report()

    def _report(self) -> None:
        problems = "; ".join(dict.fromkeys(filter(None, (self._api_problem, self._receiver_problem))))
        self._health.report("slack", healthy=not problems, status=problems or "connected")
