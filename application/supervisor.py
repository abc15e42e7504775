"""Starts, runs and ends all loops of the pack in one TaskGroup."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from application.health import ChatHealth
from application.policies import LeasePolicy
from application.ports.chat import Chat
from application.ports.storage import Storage, Topic
from application.resilience.circuit_breaker import WorkflowCircuitBreaker
from application.resilience.incidents import retry_after_incidents
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.services.channel_locks import ChannelLocks
from application.services.pauses import Pauses
from application.services.replica_group import ReplicaGroup
from application.workers.action_worker import ActionWorker
from application.workers.backlog_monitor import BacklogMonitor
from application.workers.clock_monitor import ClockMonitor
from application.workers.housekeeping import Housekeeping
from application.workers.membership_sync import MembershipSync
from application.workers.message_consumer import MessageConsumer
from application.workers.outbox_relay import OutboxRelay
from domain.errors import ChatError, ChatRejected, StorageError
from domain.users import Identity

log = structlog.get_logger()

_TOKEN_CHECK_SECONDS = 30.0
_HOUSEKEEPING_SECONDS = 20.0
_HEARTBEAT_SECONDS = 1.0
"""The interval of heartbeats on a shared storage: a lease is never shorter."""
_IDENTIFICATION_TIMEOUT_SECONDS = 10.0
"""How long deliveries from a shared storage wait for the proof that it belongs to this bot."""
_RECONCILE_TIMEOUT_SECONDS = 2.0
"""How long receiving and executing wait for the memberships; if they take longer, reconciling goes on beside them."""
_CONNECTION_TIMEOUT_SECONDS = 2.0
"""How long default channels wait for the connection over which their events come."""


class ChatAccessDenied(Exception):
    """The chat service permanently refuses this pack: waiting would not help."""

    def __init__(self, rejection: ChatRejected, *, by_receiver: bool) -> None:
        super().__init__(str(rejection))
        self.rejection = rejection
        self.by_receiver = by_receiver
        """Whether the receiver was refused; otherwise the pack as such."""


_FATAL = (ChatAccessDenied, StorageError)
"""The errors that end the pack: waiting would not help."""


class Supervisor:
    """The running pack."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        consumer: MessageConsumer,
        relay: OutboxRelay,
        worker: ActionWorker,
        membership_sync: MembershipSync,
        backlog_monitor: BacklogMonitor,
        clock_monitor: ClockMonitor,
        pauses: Pauses,
        replicas: ReplicaGroup,
        channel_locks: ChannelLocks,
        work_locks: ChannelLocks,
        circuit_breaker: WorkflowCircuitBreaker,
        chat_health: ChatHealth,
        shutdown: Shutdown,
        lease: LeasePolicy,
        housekeeping: Housekeeping,
    ) -> None:
        self._chat = chat
        self._storage = storage
        self._consumer = consumer
        self._relay = relay
        self._worker = worker
        self._membership_sync = membership_sync
        self._backlog_monitor = backlog_monitor
        self._clock_monitor = clock_monitor
        self._pauses = pauses
        self._replicas = replicas
        self._channel_locks = channel_locks
        self._work_locks = work_locks
        self._circuit_breaker = circuit_breaker
        self._chat_health = chat_health
        self._shutdown = shutdown
        self._lease = lease
        self._housekeeping = housekeeping
        self._is_shared = storage.describe().is_shared
        self._identified = asyncio.Event()

    async def run(self) -> None:
        """Runs until shutdown is requested. The storage is open.

        Raises ChatAccessDenied, and StorageUnusable if the storage belongs to another bot, in an ExceptionGroup.
        """
        self._subscribe()
        await self._keep_running("replicas", self._replicas.join)
        if self._replicas.is_alone:
            await self._keep_running("pauses", self._pauses.end_those_of_methods)
        async with asyncio.TaskGroup() as loops:
            for name, loop in (
                ("heartbeat", self._send_heartbeats),
                ("replicas", self._replicas.watch),
                ("register", self._register),
                ("relay", self._deliver),
                ("chat", self._serve_chat),
                ("housekeeping", self._housekeeping.run),
                ("backlog", self._backlog_monitor.run),
                ("clocks", self._clock_monitor.run),
                ("pauses", self._pauses.run),
                ("token", self._watch_token),
            ):
                loops.create_task(self._keep_running(name, loop), name=name)

    async def _serve_chat(self) -> None:
        """Runs what needs to know the pack's own user."""
        try:
            identity = await self._chat.identify()
        except ChatRejected as rejection:
            raise ChatAccessDenied(rejection, by_receiver=False) from rejection
        log.info("identified", user=identity.user_id, bot=identity.bot_id, team=identity.team_id)
        await self._storage.replicas.claim_for(identity.team_id, identity.bot_id)
        self._identified.set()
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._keep_running("memberships", self._membership_sync.run), name="memberships")
            try:
                await self._shutdown.wait(_RECONCILE_TIMEOUT_SECONDS, self._membership_sync.in_sync)
            except ShutdownRequested:
                return
            joining = self._keep_running("join default channels", self._join_defaults)
            loops.create_task(joining, name="join default channels")
            loops.create_task(self._keep_running("receive", partial(self._receive, identity)), name="receive")
            loops.create_task(self._keep_running("work", self._worker.run), name="work")

    async def _join_defaults(self) -> None:
        await self._shutdown.wait(_CONNECTION_TIMEOUT_SECONDS, self._consumer.connected)
        await self._membership_sync.join_defaults()

    async def _receive(self, identity: Identity) -> None:
        try:
            await self._consumer.run(identity)
        except* ChatRejected as group:
            rejection = group.exceptions[0]
            raise ChatAccessDenied(rejection, by_receiver=True) from rejection  # type: ignore[arg-type] # not nested

    def _subscribe(self) -> None:
        self._storage.subscribe(Topic.OUTBOX, self._relay.notify)
        self._storage.subscribe(Topic.JOURNAL, self._worker.notify)
        for locks in (self._channel_locks, self._work_locks):
            self._storage.subscribe(Topic.LANES, locks.notify)

    async def _register(self) -> None:
        changed = self._replicas.definition_changed
        while True:
            changed.clear()
            await self._circuit_breaker.register()
            await self._shutdown.wait(None, changed)

    async def _deliver(self) -> None:
        if self._is_shared:
            await self._shutdown.wait(_IDENTIFICATION_TIMEOUT_SECONDS, self._identified)
        await self._relay.run()

    async def _send_heartbeats(self) -> None:
        pause = min(_HEARTBEAT_SECONDS, self._lease.renewal_seconds) if self._is_shared else _HOUSEKEEPING_SECONDS
        while True:
            await self._storage.heartbeat(self._lease.seconds)
            await self._shutdown.sleep(pause)

    async def _watch_token(self) -> None:
        """Asks whether the token is valid: once it is said to be revoked, and periodically while it is refused."""
        health, logged = self._chat_health, ""
        while True:
            await self._shutdown.wait(_TOKEN_CHECK_SECONDS, health.access_doubted)
            if health.access_doubted.is_set():
                health.access_doubted.clear()
                await self._check_access(health.access_doubt)
            elif health.refusal_code:
                try:
                    await self._chat.identify()
                except ChatError as error:
                    if str(error) != logged:
                        log.warning("token_still_refused", reason=str(error))
                    logged = str(error)
                else:
                    logged = ""

    async def _check_access(self, doubt: str) -> None:
        try:
            await self._chat.identify()
        except ChatError as error:
            log.error("access_lost", announced=doubt, reason=str(error))  # noqa: TRY400 - not a bug
        else:
            log.info("access_not_lost", announced=doubt)

    async def _keep_running(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Runs a loop until it returns or the pack ends; a bug in it makes it start again after a pause."""
        try:
            await retry_after_incidents(loop, self._shutdown, expected=_FATAL, loop=name)
        except* ShutdownRequested:
            pass
