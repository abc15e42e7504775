"""Delivery of events to the app: each is sent until it is acknowledged or its retries are used up."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol, TypeVar

from entrypoints.simulation.slack.delivery.interaction import Interaction
from entrypoints.simulation.slack.event_log import MAX_ENTRIES, Acknowledged, Delivered, GivenUp, SlackLog
from entrypoints.simulation.slack.models import JsonObject

Key = TypeVar("Key")
Value = TypeVar("Value")

RETRY_SECONDS: Final = (0.0, 60.0, 300.0)
"""The delays of Slack's three retries: at once, after a minute, after five."""


@dataclass(slots=True, eq=False)
class PendingDelivery:
    """An event to be delivered to the app; `attempt` counts its retries so far."""

    event_id: str
    body: JsonObject
    attempt: int = 0
    reason: str = ""
    is_given_up: bool = False
    timer: asyncio.TimerHandle | None = None
    raised_at: float = field(default_factory=time.monotonic)

    @property
    def event(self) -> JsonObject:
        """The inner event; empty for the few bodies without one."""
        event = self.body.get("event")
        return event if isinstance(event, dict) else {}

    @property
    def message_key(self) -> tuple[str, str]:
        """Channel and `ts` of the message that the event is about; empty when it is about none."""
        channel = self.event.get("channel", "")
        return (channel if isinstance(channel, str) else ""), str(self.event.get("ts", ""))

    @property
    def summary(self) -> tuple[str, str, str, str, int, str]:
        """The fields of a `DeliveryEvent`."""
        kind, event_ts = str(self.event.get("type", "")), str(self.event.get("event_ts", ""))
        return self.event_id, kind, *self.message_key, self.attempt, event_ts

    def stop_timer(self) -> None:
        """Cancels the next attempt."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Transport(Protocol):
    """A way to send events to the app."""

    @property
    def is_open(self) -> bool:
        """Whether events reach the app."""

    def send(self, delivery: PendingDelivery) -> bool:
        """Starts to send an event; returns False when no connection is available.

        Each started delivery ends with one call of the queue's `acknowledge` or `fail`.
        """

    def send_interaction(self, interaction: Interaction) -> bool:
        """Starts to send an interaction, once; returns False when no connection is available."""


class DeliveryQueue:
    """The events raised for the app, until they are acknowledged."""

    def __init__(self, log: SlackLog, retry_seconds: Iterable[float] = RETRY_SECONDS) -> None:
        self.retry_seconds: tuple[float, ...] = tuple(retry_seconds)
        self.transport: Transport | None = None
        self.unacknowledged: Final[dict[str, PendingDelivery]] = {}
        self.acknowledged: Final[dict[str, Acknowledged]] = {}
        self.acknowledged_messages: Final[dict[tuple[str, str], float]] = {}
        self._completed: Final[dict[str, PendingDelivery]] = {}
        self._waiting: deque[PendingDelivery] = deque()
        self._log = log

    def add(self, event_id: str, body: JsonObject) -> None:
        """Delivers a body of the Events API, as soon as a connection is available."""
        delivery = PendingDelivery(event_id, body)
        self.unacknowledged[event_id] = delivery
        self._log.count("events")
        if len(self.unacknowledged) > MAX_ENTRIES:
            self._discard(next(iter(self.unacknowledged.values())))
        self._dispatch(delivery)

    def send_interaction(self, interaction: Interaction) -> None:
        """Delivers an interaction, which fails at once if no connection is available."""
        if self.transport is None or not self.transport.send_interaction(interaction):
            interaction.fail("no connection")

    def flush(self) -> None:
        """Delivers the events that waited for a connection."""
        waiting, self._waiting = self._waiting, deque()
        for delivery in waiting:
            if delivery.event_id in self.unacknowledged:
                self._dispatch(delivery)

    def acknowledge(self, delivery: PendingDelivery) -> None:
        """Records that the app has the event."""
        delivery.stop_timer()
        if self.unacknowledged.pop(delivery.event_id, None) is None:
            return
        acknowledged = Acknowledged(*delivery.summary, delivery.raised_at)
        _remember(self.acknowledged, delivery.event_id, acknowledged)
        _remember(self._completed, delivery.event_id, delivery)
        if acknowledged.ts:
            _remember(self.acknowledged_messages, (acknowledged.channel, acknowledged.ts), acknowledged.at)
        self._log.count("acknowledged")
        self._log.publish(acknowledged)

    def fail(self, delivery: PendingDelivery, reason: str, *, may_retry: bool = True) -> None:
        """Records that an attempt failed; the next one follows on schedule."""
        if delivery.event_id not in self.unacknowledged:
            return
        delivery.stop_timer()
        if not may_retry or delivery.attempt >= len(self.retry_seconds):
            delivery.is_given_up = True
            self._log.count("given_up")
            self._log.publish(GivenUp(*delivery.summary))
            return
        delay = self.retry_seconds[delivery.attempt]
        delivery.attempt += 1
        delivery.reason = reason
        delivery.timer = asyncio.get_running_loop().call_later(delay, self._dispatch, delivery)

    def redeliver(self) -> int:
        """Delivers all acknowledged events again; returns their number."""
        completed = list(self._completed.values())
        self._completed.clear()
        for done in completed:
            again = PendingDelivery(done.event_id, done.body, attempt=1, reason="timeout")
            self.unacknowledged[done.event_id] = again
            self._dispatch(again)
        return len(completed)

    def discard_unacknowledged(self) -> int:
        """Loses every event that the app has not acknowledged, as Slack does in the end; returns their number."""
        lost = list(self.unacknowledged.values())
        for delivery in lost:
            self._discard(delivery)
        return len(lost)

    def close(self) -> None:
        """Cancels all retries."""
        for delivery in self.unacknowledged.values():
            delivery.stop_timer()

    def _dispatch(self, delivery: PendingDelivery) -> None:
        delivery.timer = None
        if self.transport is None or not self.transport.send(delivery):
            self._waiting.append(delivery)
            return
        self._log.count("deliveries")
        self._log.publish(Delivered(*delivery.summary))

    def _discard(self, delivery: PendingDelivery) -> None:
        delivery.stop_timer()
        self.unacknowledged.pop(delivery.event_id, None)
        self._log.count("forgotten")


def _remember(entries: dict[Key, Value], key: Key, value: Value) -> None:
    entries[key] = value
    if len(entries) > MAX_ENTRIES:
        for oldest in list(islice(entries, MAX_ENTRIES // 10)):
            del entries[oldest]
