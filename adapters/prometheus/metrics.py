"""The pack's metrics. docs/monitoring.md lists them; names and labels are public."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from adapters.prometheus.numbers import Count, Durations, Gauge, Metric
from adapters.prometheus.stopwatch import Stopwatch

# In seconds.
_REQUEST_BUCKETS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_COMMIT_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_PATH_BUCKETS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)


class Metrics:
    """All metrics. No label ever holds a channel, a user or a text."""

    def __init__(self, new_stopwatch: Callable[[], Stopwatch]) -> None:
        self.arrivals = Metric("arrivals", "What arrived from Slack.", Count, ("kind", "result"))
        self.outbox_entries = Metric("outbox_entries", "Events on their way to Flyte.", Gauge, ("state",))
        self.outbox_oldest = Metric("outbox_oldest_seconds", "How long the oldest event has waited.", Gauge)
        self.delivery = _durations("event_delivery", "From the arrival to Flyte's 202.", _PATH_BUCKETS, "event")
        self.actions = Metric("actions", "Actions that have ended.", Count, ("command", "outcome"))
        self.action = _durations("action", "From taking an action to answering it.", _PATH_BUCKETS, "command")
        self.journal_entries = Metric("journal_entries", "Actions without an answer.", Gauge, ("state",))
        self.journal_oldest = Metric("journal_oldest_seconds", "How long the oldest action has waited.", Gauge)
        self.slack_requests = Metric("slack_requests", "Requests to Slack.", Count, ("method", "code"))
        self.slack_request = _durations("slack_request", "The time of a request to Slack.", _REQUEST_BUCKETS, "method")
        self.slack_throttled = Metric(
            "slack_throttled_seconds", "For how long Slack has asked to wait.", new_stopwatch, ("method",)
        )
        self.flyte_requests = Metric("flyte_requests", "Requests to Flyte.", Count, ("call", "status"))
        self.connected = Metric("receiver_connected", "1 while events of Slack can arrive, otherwise 0.", Gauge)
        self.reconnects = Metric("receiver_reconnects", "Sockets that had to be replaced.", Count, ("reason",))
        self.disconnected = Metric(
            "receiver_disconnected_seconds", "For how long no events of Slack could arrive.", new_stopwatch
        )
        self.backfill_channels = Metric("backfill_channels", "Channels whose history is still to be read.", Gauge)
        self.doubts = Metric("doubts", "Requests to Slack whose answer was lost.", Count, ("resolution",))
        self.windows = Metric("windows", 'Situations in which "exactly once" is impossible.', Count, ("window",))
        self.commit = _durations("storage_commit", "From a write to the storage until it is safe.", _COMMIT_BUCKETS)
        self.storage_errors = Metric("storage_errors", "Calls of the storage that failed.", Count)
        self.clock_skew = Metric("clock_skew_seconds", "How far this machine's clock is ahead.", Gauge, ("peer",))


def _durations(name: str, explanation: str, bounds: Sequence[float], *labels: str) -> Metric[Durations]:
    return Metric(f"{name}_seconds", explanation, partial(Durations, bounds), labels)
