"""All loops of the pack in one TaskGroup: start, run, end."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from application.health import ChatHealth
from application.policies import LEASE_SECONDS
from application.ports.chat import Chat
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.resilience.chat_retry import ChatLine
from application.resilience.circuit_breaker import EngineLine
from application.resilience.shutdown import Shutdown, ShutdownRequested
from application.resilience.storage_retry import Safekeeping
from application.workers.action_worker import ActionWorker
from application.workers.backlog_monitor import BacklogMonitor
from application.workers.membership_sync import MembershipSync
from application.workers.message_consumer import MessageConsumer
from application.workers.outbox_relay import OutboxRelay
from domain.errors import ChatError, ChatRejected
from domain.users import Identity

log = structlog.get_logger()

_RETENTION = timedelta(hours=72)
"""How long delivered messages and finished actions are recognised; the contract asks for 48 hours."""
_TOKEN_CHECK_SECONDS = 30.0
_RECONCILE_TIMEOUT_SECONDS = 2.0
"""How long hearing and acting wait for Slack to tell where the bot is a member; they go on while it takes longer."""


class ChatAccessDenied(Exception):
    """The chat service says for good that it does not want this pack: nothing to wait for."""

    def __init__(self, refusal: ChatRejected, *, by_receiver: bool) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal
        self.by_receiver = by_receiver
        """Whether it was the receiver that was refused; otherwise the pack as such."""


class Supervisor:
    """The running pack."""

    def __init__(
        self,
        chat: Chat,
        storage: Storage,
        hearing: MessageConsumer,
        relay: OutboxRelay,
        worker: ActionWorker,
        membership: MembershipSync,
        gauge: BacklogMonitor,
        engine: EngineLine,
        line: ChatLine,
        chat_health: ChatHealth,
        keep: Safekeeping,
        clock: Clock,
        stop: Shutdown,
    ) -> None:
        self._chat = chat
        self._storage = storage
        self._hearing = hearing
        self._relay = relay
        self._worker = worker
        self._membership = membership
        self._gauge = gauge
        self._engine = engine
        self._line = line
        self._chat_health = chat_health
        self._keep = keep
        self._clock = clock
        self._stop = stop

    async def run(self) -> None:
        """Run until the end is asked for. The storage is open.

        Raises ChatRefusesPack, in an ExceptionGroup.
        """
        async with asyncio.TaskGroup() as loops:
            for name, loop in (
                ("register", self._register),
                ("relay", self._relay.run),
                ("converse", self._serve_chat),
                ("housekeeping", self._housekeeping),
                ("gauge", self._gauge.run),
                ("token", self._watch_token),
            ):
                loops.create_task(_until_shutdown(loop), name=name)

    async def _register(self) -> None:
        await self._engine.register()

    async def _serve_chat(self) -> None:
        """What needs to know who the pack is in the chat service."""
        try:
            identity = await self._line(self._chat.identify, give_up_seconds=math.inf)
        except ChatRejected as refusal:
            raise ChatAccessDenied(refusal, by_receiver=False) from refusal
        log.info("identified", user=identity.user_id, bot=identity.bot_id, team=identity.team_id)
        async with asyncio.TaskGroup() as loops:
            made_up = asyncio.Event()
            making_up = loops.create_task(_until_shutdown(self._membership.reconcile), name="make up")
            making_up.add_done_callback(lambda _: made_up.set())
            try:
                await self._stop.wait(_RECONCILE_TIMEOUT_SECONDS, made_up)
            except ShutdownRequested:
                return
            loops.create_task(self._receive(identity), name="hear")
            loops.create_task(_until_shutdown(self._worker.run), name="work")

    async def _receive(self, identity: Identity) -> None:
        """Hear from the start on, while the default channels are joined."""
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._membership.join_defaults(), name="join default channels")
            loops.create_task(self._consume(identity), name="listen")

    async def _consume(self, identity: Identity) -> None:
        try:
            await self._hearing.run(identity)
        except* ChatRejected as refusals:
            refusal = refusals.exceptions[0]
            raise ChatAccessDenied(refusal, by_receiver=True) from refusal  # type: ignore[arg-type] # no group within it

    async def _housekeeping(self) -> None:
        while True:
            await self._keep(lambda: self._storage.heartbeat(self._clock.now(), LEASE_SECONDS))
            await self._keep(lambda: self._storage.outbox.purge(self._clock.now() - _RETENTION))
            await self._keep(lambda: self._storage.journal.purge(self._clock.now() - _RETENTION))
            await self._stop.sleep(LEASE_SECONDS / 3)

    async def _watch_token(self) -> None:
        """While the token is refused, ask now and then whether it is good again."""
        while True:
            await self._stop.sleep(_TOKEN_CHECK_SECONDS)
            if self._chat_health.token_is_refused:
                try:
                    await self._line(self._chat.identify, give_up_seconds=0)
                except ChatError as error:
                    log.warning("token_still_refused", reason=str(error))


async def _until_shutdown(loop: Callable[[], Awaitable[None]]) -> None:
    try:
        await loop()
    except ShutdownRequested:
        return
