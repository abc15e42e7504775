"""Deliveries of events to the app: each goes out until it is acknowledged or its retries are used up."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol, TypeVar

from entrypoints.simulation.slack.event_log import MAX_ENTRIES, SlackLog
from entrypoints.simulation.slack.models import JsonObject

Key = TypeVar("Key")
Value = TypeVar("Value")

RETRY_SECONDS: Final = (0.0, 60.0, 300.0)
"""Slack tries three times more: at once, after a minute, after five."""


@dataclass(slots=True, eq=False)
class PendingDelivery:
    """One event on its way to the app; `attempt` counts the retries so far."""

    event_id: str
    body: JsonObject
    attempt: int = 0
    reason: str = ""
    is_given_up: bool = False
    timer: asyncio.TimerHandle | None = None
    raised_at: float = field(default_factory=time.monotonic)

    @property
    def event(self) -> JsonObject:
        """The inner event; empty for the few bodies that have none."""
        event = self.body.get("event")
        return event if isinstance(event, dict) else {}

    @property
    def message_key(self) -> tuple[str, str]:
        """Channel and `ts` of the message that the event is about; empty strings where it is about none."""
        channel = self.event.get("channel", "")
        return (channel if isinstance(channel, str) else ""), str(self.event.get("ts", ""))


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An event that the app acknowledged: which message it was about, on which attempt, at which monotonic second."""

    event_id: str
    channel: str
    ts: str
    attempt: int
    raised_at: float
    at: float


class Transport(Protocol):
    """A way to the app."""

    def send(self, delivery: PendingDelivery) -> bool:
        """Take a delivery on the way; False when nobody is there to take it to.

        What is on its way ends in `acknowledge` or in `fail` of the deliveries, once.
        """


class DeliveryQueue:
    """All events raised for the app, until they are acknowledged."""

    def __init__(self, log: SlackLog, retry_seconds: Iterable[float] = RETRY_SECONDS) -> None:
        self.retry_seconds: tuple[float, ...] = tuple(retry_seconds)
        self.transport: Transport | None = None
        self.unacknowledged: Final[dict[str, PendingDelivery]] = {}
        self.acknowledged: Final[dict[str, Acknowledgement]] = {}
        self.acknowledged_messages: Final[dict[tuple[str, str], float]] = {}
        self._completed: Final[dict[str, PendingDelivery]] = {}
        self._waiting: deque[PendingDelivery] = deque()
        self._log = log

    def add(self, event_id: str, body: JsonObject) -> None:
        """Deliver a body to the app, now or when somebody is there to take it."""
        delivery = PendingDelivery(event_id, body)
        self.unacknowledged[event_id] = delivery
        self._log.count("events")
        if len(self.unacknowledged) > MAX_ENTRIES:
            self._discard(next(iter(self.unacknowledged.values())))
        self._dispatch(delivery)

    def flush(self) -> None:
        """Deliver what waited for somebody to be there."""
        waiting, self._waiting = self._waiting, deque()
        for delivery in waiting:
            if delivery.event_id in self.unacknowledged:
                self._dispatch(delivery)

    def acknowledge(self, delivery: PendingDelivery) -> None:
        """Note that the app has it: no attempt follows."""
        self._stop(delivery)
        if self.unacknowledged.pop(delivery.event_id, None) is None:
            return
        now = time.monotonic()
        channel, ts = delivery.message_key
        acknowledgement = Acknowledgement(delivery.event_id, channel, ts, delivery.attempt, delivery.raised_at, now)
        _remember(self.acknowledged, delivery.event_id, acknowledgement)
        _remember(self._completed, delivery.event_id, delivery)
        if ts:
            _remember(self.acknowledged_messages, (channel, ts), now)
        self._log.count("acknowledged")
        self._record("acknowledged", delivery)

    def fail(self, delivery: PendingDelivery, reason: str, *, may_retry: bool = True) -> None:
        """Note that an attempt came to nothing: the next one follows as the schedule says."""
        if delivery.event_id not in self.unacknowledged:
            return
        self._stop(delivery)
        if not may_retry or delivery.attempt >= len(self.retry_seconds):
            delivery.is_given_up = True
            self._log.count("given_up")
            self._record("given_up", delivery)
            return
        pause = self.retry_seconds[delivery.attempt]
        delivery.attempt += 1
        delivery.reason = reason
        delivery.timer = asyncio.get_running_loop().call_later(pause, self._dispatch, delivery)

    def redeliver(self, event_ids: Iterable[str] | None = None, reason: str = "timeout") -> int:
        """Deliver acknowledged events again, all of those still known by default; returns how many."""
        chosen = (
            list(self._completed) if event_ids is None else [known for known in event_ids if known in self._completed]
        )
        for event_id in chosen:
            done = self._completed.pop(event_id)
            again = PendingDelivery(event_id, done.body, attempt=1, reason=reason)
            self.unacknowledged[event_id] = again
            self._dispatch(again)
        return len(chosen)

    def discard_unacknowledged(self) -> int:
        """Lose everything that the app has not acknowledged, as Slack does in the end; returns how many."""
        lost = list(self.unacknowledged.values())
        for delivery in lost:
            self._discard(delivery)
        return len(lost)

    def close(self) -> None:
        """Stop all retries."""
        for delivery in self.unacknowledged.values():
            self._stop(delivery)

    def _dispatch(self, delivery: PendingDelivery) -> None:
        delivery.timer = None
        if self.transport is None or not self.transport.send(delivery):
            self._waiting.append(delivery)
            return
        self._log.count("deliveries")
        self._record("delivered", delivery)

    def _discard(self, delivery: PendingDelivery) -> None:
        self._stop(delivery)
        self.unacknowledged.pop(delivery.event_id, None)
        self._log.count("forgotten")

    @staticmethod
    def _stop(delivery: PendingDelivery) -> None:
        if delivery.timer is not None:
            delivery.timer.cancel()
            delivery.timer = None

    def _record(self, kind: str, delivery: PendingDelivery) -> None:
        channel, ts = delivery.message_key
        event_type = delivery.event.get("type", "")
        attempt = delivery.attempt
        self._log.note(kind, event_id=delivery.event_id, event_type=event_type, channel=channel, ts=ts, attempt=attempt)


def _remember(known: dict[Key, Value], key: Key, value: Value) -> None:
    known[key] = value
    if len(known) > MAX_ENTRIES:
        for oldest in list(islice(known, MAX_ENTRIES // 10)):
            del known[oldest]
