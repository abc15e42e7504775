"""Bring what waits in the outbox to the workflow engine: each message once, in its channel's order."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from application.policies import LEASE_SECONDS, POLL_INTERVAL_SECONDS
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.ports.workflow import Workflow
from application.resilience.backoff import exponential_backoff
from application.resilience.circuit_breaker import EngineLine
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.resilience.storage_retry import Safekeeping
from application.services.poll_schedule import PollSchedule
from application.services.user_directory import UserDirectory
from domain.channels import ChannelId
from domain.errors import PackNotRegistered, RejectedByWorkflow, WorkflowError, WorkflowInDoubt, WorkflowServerError
from domain.events import ReceivedMessage
from domain.messages import IncomingMessage
from domain.outbox import Claim, OutboxEntry

log = structlog.get_logger()

_CONCURRENT_LANES = 32
_ENTRIES_PER_CLAIM = 20
_REJECTIONS_TO_DEAD_LETTER = 20
_REJECTED_FOR = timedelta(hours=1)
_MAX_DOUBLINGS = 5
"""Of the half second that a refused entry waits: 16 s at most."""
_SECOND_LOOK_SECONDS = 0.5
"""Flows run just after the engine's 202, so an event that the audit does not show yet may show a moment later."""


class _DeliveryInDoubt(ShutdownRequested):
    """The pack ends while nobody can tell whether the entry was delivered."""


@dataclass(frozen=True, slots=True)
class _Rejection:
    """The engine did not take the first entry of a claim."""

    reason: str


class OutboxRelay:
    """The way of a message from the outbox to the engine."""

    def __init__(
        self,
        workflow: Workflow,
        storage: Storage,
        users: UserDirectory,
        polling: PollSchedule,
        clock: Clock,
        stop: Shutdown,
        line: EngineLine,
        keep: Safekeeping,
    ) -> None:
        self._workflow = workflow
        self._outbox = storage.outbox
        self._users = users
        self._polling = polling
        self._clock = clock
        self._stop = stop
        self._line = line
        self._keep = keep
        self._wake = asyncio.Event()
        self._claims: dict[str, Claim] = {}
        self._renewed_at = clock.monotonic()
        self._last_passed_at: datetime | None = None

    def notify(self) -> None:
        """Something new is in the outbox."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until the pack ends. Returns when no delivery is under way any more."""
        async with asyncio.TaskGroup() as deliveries:
            deliveries.create_task(self._renew_leases_periodically(), name="extend claims")
            try:
                while True:
                    self._wake.clear()
                    claims = await self._claim()
                    self._claims |= {claim.channel_id: claim for claim in claims}
                    delivered = await self._delivered_before(claims)
                    for claim in claims:
                        serving = self._deliver_claim(claim, is_first_delivered=claim.channel_id in delivered)
                        deliveries.create_task(serving, name=f"deliver {claim.channel_id}")
                    await self._stop.wait(await self._idle_seconds(), self._wake)
            except ShutdownRequested:
                return

    async def _claim(self) -> list[Claim]:
        free = _CONCURRENT_LANES - len(self._claims)
        if free <= 0:
            return []
        return await self._keep(lambda: self._renew_and_claim(free))

    async def _renew_and_claim(self, channels: int) -> list[Claim]:
        """An outage may have lasted longer than the leases: what is in hand must not be given out a second time."""
        if self._clock.monotonic() - self._renewed_at > LEASE_SECONDS / 2:
            await self._renew_leases()
        return await self._outbox.claim(channels, _ENTRIES_PER_CLAIM, self._clock.now(), LEASE_SECONDS)

    async def _delivered_before(self, claims: list[Claim]) -> set[ChannelId]:
        """The channels whose first entry an interrupted process had delivered; one question for all of them."""
        suspects = [claim for claim in claims if claim.previous_lease_expired]
        firsts = [(claim.entries[0].said, claim.entries[0].received_at) for claim in suspects]
        found = await self._were_published(firsts) if firsts else []
        return {claim.channel_id for claim, is_delivered in zip(suspects, found, strict=True) if is_delivered}

    async def _idle_seconds(self) -> float:
        due = await self._keep(self._outbox.next_due)
        if due is None:
            return POLL_INTERVAL_SECONDS
        return min(max(0.0, (due - self._clock.now()).total_seconds()), POLL_INTERVAL_SECONDS)

    async def _renew_leases_periodically(self) -> None:
        try:
            while True:
                await self._stop.sleep(LEASE_SECONDS / 3)
                await self._keep(self._renew_leases)
        except ShutdownRequested:
            return

    async def _renew_leases(self) -> None:
        for claim in list(self._claims.values()):
            await self._outbox.renew_lease(claim, self._clock.now(), LEASE_SECONDS)
        self._renewed_at = self._clock.monotonic()

    async def _deliver_claim(self, claim: Claim, *, is_first_delivered: bool) -> None:
        """Deliver the entries of one channel until they are done, or the first is refused, or the pack ends."""
        refused: _Rejection | None = None
        entry = claim.entries[0]
        try:
            for position, entry in enumerate(claim.entries):
                is_delivered = is_first_delivered and position == 0
                refused = await self._deliver(claim, entry, is_delivered=is_delivered)
                if refused or self._stop.is_requested:
                    break
        except _DeliveryInDoubt:
            log.info("delivery_left_in_doubt", key=entry.key)
            return  # not given back: so the next start knows the claim as interrupted, and asks the engine first
        except ShutdownRequested:
            pass
        finally:
            del self._claims[claim.channel_id]
        await self._release(claim, entry, refused)
        self._wake.set()

    async def _release(self, claim: Claim, entry: OutboxEntry, refused: _Rejection | None) -> None:
        not_before = refused_at = None
        if refused:
            refused_at = self._clock.now()
            pause = 0.5 * 2 ** min(entry.rejections, _MAX_DOUBLINGS)
            not_before = refused_at + timedelta(seconds=pause)
        try:
            await self._keep(lambda: self._outbox.release(claim, not_before=not_before, refused_at=refused_at))
        except ShutdownRequested:
            log.warning("claim_not_given_back", channel=claim.channel_id)

    async def _deliver(self, claim: Claim, entry: OutboxEntry, *, is_delivered: bool) -> _Rejection | None:
        if is_delivered:
            log.info("delivered_before_restart", key=entry.key)
        else:
            user = await self._users.author_of(entry.said)
            try:
                await self._publish(ReceivedMessage(entry.said, user), entry.received_at)
            except RejectedByWorkflow as refusal:
                await self._dead_letter(claim, entry, str(refusal))
                return None
            except (WorkflowServerError, PackNotRegistered) as error:
                return await self._on_rejected(claim, entry, error)
        try:
            await self._keep(lambda: self._outbox.ack(claim, entry))
        except ShutdownRequested as stopping:
            raise _DeliveryInDoubt from stopping
        log.info("message_delivered", key=entry.key)
        return None

    async def _publish(self, event: ReceivedMessage, at: datetime) -> None:
        for pause in exponential_backoff(0.5, 30):
            try:
                await self._line(lambda: self._workflow.publish(event, at))
            except WorkflowInDoubt as doubt:
                log.warning("delivery_in_doubt", key=event.said.key, reason=str(doubt))
                if await self._was_published(event.said, at, pause):
                    break
            else:
                break
        self._last_passed_at = self._clock.now()
        self._polling.on_event_published()

    async def _was_published(self, said: IncomingMessage, at: datetime, pause_if_not: float) -> bool:
        try:
            (was_published,) = await self._were_published([(said, at)])
            if not was_published:
                await self._stop.sleep(pause_if_not)
        except ShutdownRequested as stopping:
            raise _DeliveryInDoubt from stopping
        return was_published

    async def _were_published(self, messages: list[tuple[IncomingMessage, datetime]]) -> list[bool]:
        """For each message, whether the engine's audit shows it; looked for twice."""
        found = [False] * len(messages)
        for pause in (_SECOND_LOOK_SECONDS, 0):
            try:
                found = await self._line(lambda: self._workflow.were_published(messages))
            except WorkflowError as error:
                log.warning("audit_failed", reason=str(error))
            if all(found):
                break
            await self._stop.sleep(pause)
        return found

    async def _on_rejected(self, claim: Claim, entry: OutboxEntry, error: WorkflowError) -> _Rejection | None:
        log.warning("delivery_refused", key=entry.key, refusals=entry.rejections + 1, reason=str(error))
        if self._is_poison_message(entry):
            await self._dead_letter(claim, entry, str(error))
            return None
        return _Rejection(str(error))

    def _is_poison_message(self, entry: OutboxEntry) -> bool:
        """Refused often and long enough while others passed."""
        since, passed = entry.first_rejected_at, self._last_passed_at
        if since is None or passed is None or entry.rejections + 1 < _REJECTIONS_TO_DEAD_LETTER:
            return False
        return self._clock.now() - since >= _REJECTED_FOR and passed > since

    async def _dead_letter(self, claim: Claim, entry: OutboxEntry, reason: str) -> None:
        log.error("message_set_aside", key=entry.key, reason=reason)
        await self._keep(lambda: self._outbox.dead_letter(claim, entry, reason))
