"""Receives events from the chat service, stores them many at a time, and acknowledges them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import structlog

from application.health import ChatHealth
from application.loop_time import loop_time
from application.ports.clock import Clock
from application.ports.receiver import (
    AccessLost,
    Connected,
    Disconnected,
    IncomingEvent,
    Receiver,
    is_interaction,
)
from application.resilience.incidents import log_incident, retry_after_incidents
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.services.group_connection import GroupConnection
from application.use_cases.receive_events import ReceiveEvents
from application.use_cases.receive_interaction import ReceiveInteraction
from application.workers.backfill import MIN_GAP_SECONDS, Backfill
from domain.messages import IncomingMessage
from domain.users import Identity

log = structlog.get_logger()

_QUEUE_SIZE = 1_000
_MAX_ATTEMPTS = 5
"""How often to try to store an event that a bug holds up."""
_BATCH_SIZE = 256
"""Events that share one commit."""
_MAX_INTERACTIONS = 1_000
"""How many are being stored at the same time. Each is stored on its own, and waits for no message."""


class MessageConsumer:
    """Carries events from the receiver into the outbox."""

    def __init__(
        self,
        receiver: Receiver,
        receive_events: ReceiveEvents,
        receive_interaction: ReceiveInteraction,
        backfill: Backfill,
        group_connection: GroupConnection,
        health: ChatHealth,
        clock: Clock,
        shutdown: Shutdown,
    ) -> None:
        self._receiver = receiver
        self._receive_events = receive_events
        self._receive_interaction = receive_interaction
        self._backfill = backfill
        self._group_connection = group_connection
        self._health = health
        self._clock = clock
        self._shutdown = shutdown
        self._is_loss_logged = False
        self.connected = asyncio.Event()
        """Set once events can be received."""
        self._queue: asyncio.Queue[IncomingEvent] = asyncio.Queue(_QUEUE_SIZE)
        self._wake = asyncio.Event()
        self._free_for_interactions = asyncio.Semaphore(_MAX_INTERACTIONS)
        self._tasks: asyncio.TaskGroup

    async def run(self, identity: Identity) -> None:
        """Receives until the pack ends, and stores what has arrived by then. Raises ChatRejected like the receiver."""
        async with self._receiver.events() as events, asyncio.TaskGroup() as self._tasks:
            reading = self._tasks.create_task(self._read(events), name="read events")
            run_backfill = self._backfill.run(identity)
            self._tasks.create_task(self._group_connection.run(), name="note the connection")
            backfilling = self._tasks.create_task(run_backfill, name="backfill")
            try:
                while True:
                    self._wake.clear()
                    await self._drain(identity)
                    await self._shutdown.wait(None, self._wake)
            except ShutdownRequested:
                reading.cancel()
                await self._drain_remaining(identity)
            await backfilling

    async def _read(self, events: AsyncIterator[IncomingEvent]) -> None:
        async for incoming in events:
            if is_interaction(incoming.event):
                await self._free_for_interactions.acquire()
                self._tasks.create_task(self._persist_interaction(incoming), name="store an interaction")
            else:
                await self._queue.put(incoming)
                self._wake.set()

    async def _persist_interaction(self, incoming: IncomingEvent) -> None:
        try:
            await self._receive_interaction.receive(incoming)
        except ShutdownRequested:
            log.warning("arrivals_not_safe", count=1)
        except Exception:  # noqa: BLE001 - a bug
            log_incident(events="1")
        finally:
            self._free_for_interactions.release()

    async def _drain(self, identity: Identity) -> None:
        while not self._queue.empty():
            batch: list[IncomingEvent] = []
            while len(batch) < _BATCH_SIZE and not self._queue.empty():
                incoming = self._queue.get_nowait()
                await self._on_connection_event(incoming)
                batch.append(incoming)
            try:
                await self._persist(batch, identity)
            except ShutdownRequested:
                log.warning("arrivals_not_safe", count=len(batch))
                raise
            except Exception:  # noqa: BLE001 - a bug, which must hold up the event alone that it concerns
                log_incident(events=str(len(batch)))
                for incoming in batch:
                    self._tasks.create_task(self._persist_alone(incoming, identity), name="store an event")

    async def _persist_alone(self, incoming: IncomingEvent, identity: Identity) -> None:
        """Stores one event, with some attempts. If none succeeds, the chat service gets no acknowledgement."""
        try:
            store = partial(self._persist, [incoming], identity)
            await retry_after_incidents(store, self._shutdown, max_attempts=_MAX_ATTEMPTS, loop="store an event")
        except ShutdownRequested:
            log.warning("arrivals_not_safe", count=1)

    async def _persist(self, batch: list[IncomingEvent], identity: Identity) -> None:
        began_at = loop_time()
        if await self._receive_events.receive(batch, identity):
            self._backfill.prioritize(
                each.event.channel_id for each in batch if isinstance(each.event, IncomingMessage)
            )
        if (seconds := loop_time() - began_at) > MIN_GAP_SECONDS:
            # While the storage was unavailable, the chat service may have given up on events.
            await self._backfill.schedule(seconds)

    async def _drain_remaining(self, identity: Identity) -> None:
        try:
            await self._drain(identity)
        except ShutdownRequested:
            if left := self._queue.qsize():
                log.warning("arrivals_not_safe", count=left)

    async def _on_connection_event(self, incoming: IncomingEvent) -> None:
        match incoming.event:
            case Connected(disconnected_seconds, replays_missed):
                self._health.on_receiver_status()
                self.connected.set()
                self._is_loss_logged = False
                log.info("hearing", deaf_since=self._time_ago(disconnected_seconds))
                if replays_missed and await self._group_connection.has_lasted():
                    self._backfill.skip()
                else:
                    await self._backfill.schedule(disconnected_seconds, replays_missed=replays_missed)
                await self._group_connection.on_connected()
            case Disconnected(reason):
                self._group_connection.on_disconnected()
                self._health.on_receiver_status("not connected")  # the reason can contain what Slack wrote
                self._log_loss(reason)
            case AccessLost(reason):
                self._health.on_access_doubted(reason)
            case _:
                pass

    def _log_loss(self, reason: str) -> None:
        """One warning for each lost connection; why it can't be restored is another reason."""
        if not self._is_loss_logged:
            log.warning("not_hearing", reason=reason)
        self._is_loss_logged = True

    def _time_ago(self, seconds: float | None) -> str | None:
        return None if seconds is None else (self._clock.now() - timedelta(seconds=seconds)).isoformat()
