"""The health of the pack: reported by its parts, read by operators and load balancers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from application.log_context import log_about_the_pack
from domain.errors import AuthenticationFailed, ChatError, ChatRejected, Unreachable

log = structlog.get_logger()

_WITHOUT_DIGITS = str.maketrans("", "", "0123456789")


@dataclass(frozen=True, slots=True)
class HealthStatus:
    """The latest report of one check."""

    healthy: bool
    status: str
    """A few words, shown to anyone who asks: no channel, no user, no text, no URL."""


class HealthRegistry:
    """Holds the latest report of every check. A check is unhealthy (`starting`) until its first report."""

    def __init__(self, checks: Sequence[str]) -> None:
        self._checks = {name: HealthStatus(healthy=False, status="starting") for name in checks}
        self._notes: dict[str, dict[str, str]] = {name: {} for name in checks}

    def checks(self) -> Mapping[str, HealthStatus]:
        """Returns the latest reports by name, in the order given, each with its notes."""
        return {
            name: replace(check, status="; ".join((check.status, *filter(None, self._notes[name].values()))))
            for name, check in self._checks.items()
        }

    @property
    def is_healthy(self) -> bool:
        """Whether every check is healthy."""
        return all(check.healthy for check in self._checks.values())

    def reporter(self, check: str) -> "HealthReporter":
        """Returns what reports for a check. Raises ValueError for an unknown name."""
        if check not in self._checks:
            raise ValueError(f"there is no check {check!r}; there are: {', '.join(self._checks)}")
        return HealthReporter(check, self._checks, self._notes[check])


class HealthReporter:
    """Reports for one check."""

    def __init__(self, check: str, checks: dict[str, HealthStatus], notes: dict[str, str]) -> None:
        self._check = check
        self._checks = checks
        self._notes = notes

    def report(self, *, healthy: bool, status: str, is_logged: bool = False) -> None:
        """Replaces the status. Logs when it turns healthy or unhealthy, or is unhealthy for another reason.

        A change of figures within the status is not another reason. `is_logged`: another log line warns of the reason
        already.
        """
        before = self._checks[self._check]
        now = self._checks[self._check] = HealthStatus(healthy, status)
        if now.healthy != before.healthy or (not now.healthy and _reason(before) != _reason(now)):
            with log_about_the_pack():
                self._log(now, is_logged=is_logged)

    def _log(self, now: HealthStatus, *, is_logged: bool) -> None:
        if now.healthy:
            log.info("healthy", check=self._check, status=now.status)
        elif is_logged:
            log.info("unhealthy", check=self._check, status=now.status)
        else:
            log.warning("unhealthy", check=self._check, status=now.status)

    def note(self, topic: str, text: str) -> None:
        """Adds a remark to the status, such as a running backfill, and replaces the one on the same topic.

        Empty removes it. A note makes nothing unhealthy and is not logged; like a status it reveals nothing private.
        """
        self._notes[topic] = text


def _reason(check: HealthStatus) -> str:
    return check.status.translate(_WITHOUT_DIGITS)


class ChatHealth:
    """The health of the chat service: whether it answers, accepts the token, and delivers events."""

    def __init__(self, health: HealthReporter) -> None:
        self._health = health
        self._api_problem = "starting"
        self._receiver_problem = "starting"
        self._channel_problem = ""
        self.refusal_code = ""
        """Why the token is not accepted, by the latest answer that tells; empty if it is."""
        self.access_doubted = asyncio.Event()
        """Set by each announcement that the token is no longer valid; whoever checks the token clears it."""
        self.access_doubt = ""
        """The latest such announcement."""

    def on_success(self) -> None:
        """The service did what was requested."""
        self.refusal_code = ""
        self._on_api_problem("")

    def on_error(self, error: ChatError) -> None:
        """The service did not do what was requested. A rejection alone does not make it unhealthy."""
        if isinstance(error, AuthenticationFailed):
            self.refusal_code = error.code
            self._on_api_problem(f"the token is refused ({error.code})")
        elif isinstance(error, Unreachable):
            self._on_api_problem("out of reach")
        elif isinstance(error, ChatRejected):
            self.on_success()

    def on_access_doubted(self, reason: str) -> None:
        """The service announced that the token is no longer valid. Only its next answer is proof."""
        self.access_doubt = reason
        self.access_doubted.set()

    def on_unheard_channels(self, count: int) -> None:
        """Notes how many joined channels are not heard, because the bot is not listed as a member of them."""
        self._channel_problem = f"joined channels that are not heard: {count}" if count else ""
        self._report()

    def on_receiver_status(self, problem: str = "") -> None:
        """Whether the pack receives events: empty if it does, otherwise why not."""
        self._receiver_problem = problem
        self._report()

    def _on_api_problem(self, problem: str) -> None:
        self._api_problem = problem
        self._report()

    def _report(self) -> None:
        found = dict.fromkeys((self._api_problem, self._receiver_problem, self._channel_problem))
        problems = "; ".join(filter(None, found))
        is_logged = not self._api_problem and not self._channel_problem
        self._health.report(healthy=not problems, status=problems or "connected", is_logged=is_logged)
