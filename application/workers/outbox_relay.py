"""Delivers the events in the outbox to the workflow engine: each once, in the order of its lane."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

import structlog

from application.log_context import log_about_event
from application.loop_time import loop_time
from application.policies import LeasePolicy
from application.ports.storage import Storage
from application.ports.telemetry import Telemetry, Window
from application.ports.workflow import Workflow
from application.resilience.backoff import exponential_backoff
from application.resilience.incidents import log_incident, retry_after_incidents
from application.resilience.interception import Policy, PortCall
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.services.event_enricher import EventEnricher
from application.services.held_claims import HeldClaims
from application.services.poll_schedule import PollSchedule
from application.services.work_log import WorkLog
from domain.errors import (
    LeaseLost,
    RejectedByWorkflow,
    WorkflowError,
    WorkflowInDoubt,
    WorkflowServerError,
)
from domain.events import PackEvent
from domain.outbox import Claim, Lane, OutboxEntry

log = structlog.get_logger()

_CONCURRENT_LANES = 32
_LANES_FOR_INTERACTIONS = 16
"""Additional places for interactions alone, so that none waits behind anything else."""
_REJECTIONS_TO_DEAD_LETTER = 20
_INCIDENTS_TO_DEAD_LETTER = 10
_REJECTED_FOR_SECONDS = 3600.0
_FIRST_RETRY_SECONDS = 0.5
_MAX_DOUBLINGS = 5
"""Doublings of the time that a rejected entry waits: 16 s at most."""
_SECOND_QUERY_SECONDS = 0.5
"""Flows run just after the engine has accepted an event, so that the audit may show it a moment later."""


class _DeliveryInDoubt(ShutdownRequested):
    """The pack ends while it is unknown whether the entry was delivered."""


class _Rejected(Exception):
    """The engine did not accept the first entry of a claim; it has to wait."""


class OutboxRelay:
    """Carries events from the outbox to the engine."""

    def __init__(
        self,
        workflow: Workflow,
        engine: Workflow,
        outages: Policy,
        storage: Storage,
        enricher: EventEnricher,
        schedule: PollSchedule,
        work_log: WorkLog,
        shutdown: Shutdown,
        lease: LeasePolicy,
        telemetry: Telemetry,
    ) -> None:
        """`outages` is the policy that carries requests to the `engine` through outages; `workflow` has it already."""
        self._workflow = workflow
        self._engine = engine
        self._outages = outages
        self._outbox = storage.outbox
        self._enricher = enricher
        self._schedule = schedule
        self._work_log = work_log
        self._shutdown = shutdown
        self._lease = lease
        self._telemetry = telemetry
        self._wake = asyncio.Event()
        self._claims = HeldClaims(storage.outbox, lease)
        self._is_limited = False
        """The latest call claimed all that it could, so that more may be due."""
        self._are_lanes_delayed = True
        """Lanes may be delayed. Those that other processes delay are looked for at each poll."""
        self._interrupted: list[Claim] = []
        """The claims whose first entry an interrupted process may have delivered."""
        self._resume = asyncio.Event()
        self._waiting_lanes = 0
        """Lanes whose delivery waits for the look-up of the author of a backfilled message."""
        self._last_accepted_at: float | None = None
        """The latest acceptance of an event, by the event loop's time."""

    def notify(self) -> None:
        """The outbox has new entries."""
        self._claims.on_new_entries()
        self._wake.set()

    async def run(self) -> None:
        """Delivers until the pack ends. Returns when no delivery is in progress any more."""
        async with asyncio.TaskGroup() as tasks:
            for name, work in (
                ("relay", partial(self._claim_and_deliver, tasks)),
                ("resume deliveries", partial(self._resume_interrupted, tasks)),
                ("renew leases", self._renew_leases),
            ):
                tasks.create_task(self._repeat(work, name), name=name)

    async def _repeat(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        try:
            while True:
                await retry_after_incidents(work, self._shutdown, loop=name)
        except ShutdownRequested:
            return

    async def _claim_and_deliver(self, deliveries: asyncio.TaskGroup) -> None:
        """Claims what is due, starts to deliver it, and waits until more may be due."""
        self._wake.clear()
        claims = await self._claim()
        self._interrupted += [claim for claim in claims if claim.previous_lease_expired]
        if self._interrupted:
            self._resume.set()
        self._start(deliveries, [claim for claim in claims if not claim.previous_lease_expired])
        if any(claim.is_urgent for claim in claims):
            self._wake.set()  # the places of others that they were claimed for are still free
        await self._shutdown.wait(await self._idle_seconds(), self._wake)
        if not self._wake.is_set():
            self._are_lanes_delayed = True

    async def _resume_interrupted(self, deliveries: asyncio.TaskGroup) -> None:
        """Waits for lanes that an interrupted process has left, and delivers them; one query for all of them.

        Nothing else waits for the answer.
        """
        await self._shutdown.wait(None, self._resume)
        self._resume.clear()
        claims, self._interrupted = self._interrupted, []
        try:
            found = await self._were_published([claim.entries[0] for claim in claims])
        except BaseException:
            for claim in claims:
                self._claims.end(claim)  # so that their leases expire
            raise
        # A lane may have been lost and claimed anew while the engine was asked.
        delivered = frozenset(claim.lane for claim, is_delivered in zip(claims, found, strict=True) if is_delivered)
        self._start(deliveries, [claim for claim in claims if self._claims.includes(claim)], delivered)

    def _start(
        self, deliveries: asyncio.TaskGroup, claims: list[Claim], delivered: frozenset[Lane] = frozenset()
    ) -> None:
        """Starts to deliver the claims; the first entry of the `delivered` lanes has been delivered before."""
        for claim in claims:
            delivery = self._deliver_claim(claim, is_first_delivered=claim.lane in delivered)
            self._claims.set_delivery(claim, deliveries.create_task(delivery, name=f"deliver {claim.lane}"))

    async def _claim(self) -> list[Claim]:
        """Claims what is due: interactions first, and others only while their own places last."""
        held = self._claims.all
        free_for_others = _CONCURRENT_LANES + self._waiting_lanes - sum(not claim.is_urgent for claim in held)
        free = _CONCURRENT_LANES + _LANES_FOR_INTERACTIONS + self._waiting_lanes - len(held)
        self._is_limited = True
        if free <= 0:
            return []
        lanes, min_priority = (min(free, free_for_others), 0) if free_for_others > 0 else (free, 1)
        claims = await self._claims.claim(lanes, min_priority)
        self._is_limited = len(claims) == lanes or min_priority > 0
        return claims

    async def _idle_seconds(self) -> float:
        due = await self._outbox.next_due_seconds() if self._are_lanes_delayed else None
        self._are_lanes_delayed = due is not None
        return self._lease.poll_seconds if due is None else min(max(0.0, due), self._lease.poll_seconds)

    async def _renew_leases(self) -> None:
        await self._shutdown.sleep(self._lease.renewal_seconds)
        await self._claims.renew()

    async def _deliver_claim(self, claim: Claim, *, is_first_delivered: bool) -> None:
        """Delivers the entries of one lane until all are done, the first is rejected, or the pack ends."""
        entry = claim.entries[0]
        try:
            for position, entry in enumerate(claim.entries):
                log_about_event(entry)
                if is_first_delivered and position == 0:
                    log.info("delivered_before_restart")
                    await self._ack(claim, entry)
                else:
                    await self._attempt(claim, entry)
                if self._shutdown.is_requested:
                    break
        except _DeliveryInDoubt:
            log.info("delivery_left_in_doubt")
            # not released: the next start knows that the lease expired, and asks the engine first
        except _Rejected:
            await self._release(claim, _FIRST_RETRY_SECONDS * 2 ** min(entry.rejections, _MAX_DOUBLINGS))
        except LeaseLost as lost:
            log.warning("lease_lost", reason=str(lost))
        except ShutdownRequested:
            await self._release(claim)
        except Exception:  # noqa: BLE001 - a bug
            log_incident(channel=claim.lane)
            # not released: when the lease has expired, the engine is asked what it got
        else:
            await self._release(claim)
        finally:
            self._claims.end(claim)

    async def _release(self, claim: Claim, retry_after_seconds: float = 0.0) -> None:
        """Releases the claim unless that has happened. Its first entry was rejected if it has to be tried again."""
        if not self._claims.includes(claim):
            return
        self._are_lanes_delayed = True
        self._claims.end(claim)
        try:
            await self._outbox.release(claim, retry_after_seconds=retry_after_seconds, rejected=retry_after_seconds > 0)
        except ShutdownRequested:
            log.warning("claim_not_given_back", channel=claim.lane)
        except LeaseLost as lost:
            log.warning("lease_lost", reason=str(lost))
        except Exception:  # noqa: BLE001 - a bug
            log_incident(channel=claim.lane)
        self._wake.set()

    async def _attempt(self, claim: Claim, entry: OutboxEntry) -> None:
        """Delivers an entry; one that a bug keeps from being delivered is tried again, and set aside in the end."""
        try:
            await self._deliver(claim, entry)
        except (ShutdownRequested, LeaseLost, _Rejected):
            raise
        except Exception as error:
            reason = f"internal error ({log_incident()})"
            if entry.rejections + 1 < _INCIDENTS_TO_DEAD_LETTER:
                raise _Rejected from error
            await self._dead_letter(claim, entry, reason)

    async def _wait_for_turn(self, entry: OutboxEntry) -> None:
        """Waits for the author's look-up. Lanes that do take no place from those that could deliver."""
        self._waiting_lanes += 1
        try:
            await self._enricher.wait_for_turn(entry.event)
        finally:
            self._waiting_lanes -= 1

    async def _deliver(self, claim: Claim, entry: OutboxEntry) -> None:
        if entry.is_backfilled:
            await self._wait_for_turn(entry)
        event = await self._enricher.enrich(entry.event)
        if event is None:
            log.info("message_of_a_bot_ignored", user=entry.event.user_id)
            await self._remove(claim, entry)
            return
        try:
            await self._publish(event, claim, entry)
        except RejectedByWorkflow as rejection:
            await self._dead_letter(claim, entry, str(rejection))
        except WorkflowServerError as error:
            await self._on_rejected(claim, entry, error)
        else:
            await self._ack(claim, entry)

    async def _ack(self, claim: Claim, entry: OutboxEntry) -> None:
        try:
            await self._remove(claim, entry)
        except ShutdownRequested as requested:
            raise _DeliveryInDoubt from requested
        self._work_log.on_delivered(entry)

    async def _remove(self, claim: Claim, entry: OutboxEntry) -> None:
        """Removes an entry, and releases the claim with the last one."""
        is_last = entry is claim.entries[-1]
        if is_last:
            self._claims.begin_to_end(claim)
        await self._outbox.ack(claim, entry, releases=is_last)
        if is_last and (self._claims.end(claim) or self._is_limited):
            self._wake.set()

    async def _publish(self, event: PackEvent, claim: Claim, entry: OutboxEntry) -> None:
        for pause in exponential_backoff(0.5, 30):
            request = PortCall("publish", (event, entry.received_at), {}, partial(self._publish_once, claim))
            try:
                await self._outages.execute(request)
            except WorkflowInDoubt as doubt:
                log.warning("delivery_in_doubt", reason=str(doubt))
                if await self._was_published(entry, pause):
                    break
            else:
                break
        self._last_accepted_at = loop_time()
        self._schedule.on_event_published(is_urgent=entry.is_urgent)

    async def _publish_once(self, claim: Claim, event: PackEvent, received_at: datetime) -> None:
        """Sends the request unless the lane was lost, which may have happened in an outage too."""
        await self._claims.check(claim)
        await self._engine.publish(event, received_at)

    async def _was_published(self, entry: OutboxEntry, pause_if_not: float) -> bool:
        try:
            (was_published,) = await self._were_published([entry])
            if not was_published:
                await self._shutdown.sleep(pause_if_not)
        except ShutdownRequested as requested:
            raise _DeliveryInDoubt from requested
        return was_published

    async def _were_published(self, entries: list[OutboxEntry]) -> list[bool]:
        """Returns for each entry whether the engine's audit shows it; asks twice for those that it does not show."""
        found: set[str] = set()
        for pause in (_SECOND_QUERY_SECONDS, 0):
            asked = [entry for entry in entries if entry.key not in found]
            try:
                answers = await self._workflow.were_published(asked)
                found.update(entry.key for entry, is_found in zip(asked, answers, strict=True) if is_found)
            except WorkflowError as error:
                log.warning("audit_failed", reason=str(error))
            if len(found) == len(entries):
                break
            await self._shutdown.sleep(pause)
        for _ in range(len(entries) - len(found)):
            self._telemetry.note(Window.UNSEEN_EVENT)
        return [entry.key in found for entry in entries]

    async def _on_rejected(self, claim: Claim, entry: OutboxEntry, error: WorkflowError) -> None:
        log.warning("delivery_refused", refusals=entry.rejections + 1, reason=str(error))
        if not self._is_poison_message(claim, entry):
            raise _Rejected from error
        await self._dead_letter(claim, entry, str(error))

    def _is_poison_message(self, claim: Claim, entry: OutboxEntry) -> bool:
        """Whether it has been rejected often and long enough while others were accepted."""
        if self._last_accepted_at is None or entry.rejections + 1 < _REJECTIONS_TO_DEAD_LETTER:
            return False
        accepted_seconds_ago = loop_time() - self._last_accepted_at
        return claim.rejected_seconds >= max(_REJECTED_FOR_SECONDS, accepted_seconds_ago)

    async def _dead_letter(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        log.error("message_set_aside", reason=reason)
        await self._outbox.dead_letter(claim, entry, reason)
