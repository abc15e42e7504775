"""Hear what is said in the chat service, and make it safe, many arrivals at a time."""

import asyncio
from collections.abc import AsyncIterator

import structlog

from application.health import ChatHealth
from application.ports.clock import Clock
from application.ports.receiver import AccessLost, Connected, Disconnected, IncomingEvent, Receiver
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.use_cases.receive_message import ReceiveMessage
from application.workers.backfill import MIN_GAP, Backfill
from application.workers.outbox_relay import OutboxRelay
from domain.users import Identity

log = structlog.get_logger()

_QUEUE = 1_000
_BATCH = 256
"""Arrivals that share one commit."""


class MessageConsumer:
    """The way of an arrival: heard, safe, acknowledged."""

    def __init__(
        self,
        receiver: Receiver,
        receive_message: ReceiveMessage,
        catch_up: Backfill,
        relay: OutboxRelay,
        health: ChatHealth,
        clock: Clock,
        stop: Shutdown,
    ) -> None:
        self._receiver = receiver
        self._receive_message = receive_message
        self._catch_up = catch_up
        self._relay = relay
        self._health = health
        self._clock = clock
        self._stop = stop
        self._queue: asyncio.Queue[IncomingEvent] = asyncio.Queue(_QUEUE)
        self._arrived = asyncio.Event()

    async def run(self, identity: Identity) -> None:
        """Hear until the pack ends; what was heard by then is made safe. Raises Refused as the receiver does."""
        async with self._receiver.events() as arrivals, asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read(arrivals), name="read arrivals")
            catching_up = tasks.create_task(self._catch_up.run(identity, self._on_backfilled), name="catch up")
            try:
                while True:
                    self._arrived.clear()
                    await self._drain(identity)
                    await self._stop.wait(None, self._arrived)
            except ShutdownRequested:
                reading.cancel()
                await self._drain_remaining(identity)
            await catching_up

    async def _read(self, arrivals: AsyncIterator[IncomingEvent]) -> None:
        async for arrival in arrivals:
            await self._queue.put(arrival)
            self._arrived.set()

    async def _drain(self, identity: Identity) -> None:
        while not self._queue.empty() or self._catch_up.released:
            batch = self._catch_up.drain_released()
            while len(batch) < _BATCH and not self._queue.empty():
                arrival = self._queue.get_nowait()
                await self._on_connection_event(arrival)
                batch += self._catch_up.drain_released()  # they came before what is still in the queue
                if not self._catch_up.hold_back(arrival):
                    batch.append(arrival)
            if batch:
                await self._persist(batch, identity)

    async def _persist(self, batch: list[IncomingEvent], identity: Identity) -> None:
        began = self._clock.now()
        if await self._receive_message(batch, identity):
            self._relay.notify()
        if self._clock.now() - began > MIN_GAP:
            await self._catch_up.schedule(began)  # the storage was out of order, and Slack may have given up meanwhile

    async def _drain_remaining(self, identity: Identity) -> None:
        try:
            await self._drain(identity)
        except ShutdownRequested:
            log.warning("arrivals_not_safe", count=self._queue.qsize())

    def _on_backfilled(self) -> None:
        self._relay.notify()
        self._arrived.set()

    async def _on_connection_event(self, arrival: IncomingEvent) -> None:
        match arrival.event:
            case Connected(deaf_since, is_redelivered):
                self._health.on_receiver_status()
                log.info("hearing", deaf_since=deaf_since and deaf_since.isoformat())
                await self._catch_up.schedule(deaf_since, is_redelivered=is_redelivered)
            case Disconnected(reason):
                self._health.on_receiver_status(f"not connected: {reason}")
                log.warning("not_hearing", reason=reason)
            case AccessLost(reason):
                self._health.on_access_lost(reason)
                log.error("access_lost", reason=reason)
            case _:
                pass
