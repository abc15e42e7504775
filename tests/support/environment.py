"""What stands around the pack, in memory and on virtual time, and the pack itself: a process that comes and goes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from adapters.memory.chat import MemoryChat
from adapters.memory.clock import MemoryClock
from adapters.memory.receiver import MemoryReceiver
from adapters.memory.storage import MemoryStorage
from adapters.memory.workflow import MemoryWorkflow
from application.health import ChatHealth, HealthRegistry, HealthStatus
from application.policies import Listen, PostingPolicy
from application.resilience.chat_retry import ChatLine
from application.resilience.circuit_breaker import EngineLine
from application.resilience.shutdown import Shutdown
from application.resilience.storage_retry import Safekeeping
from application.services.channel_locks import ChannelLocks
from application.services.message_sender import MessageSender
from application.services.poll_schedule import PollSchedule
from application.services.result_reporter import ResultReporter
from application.services.user_directory import UserDirectory
from application.supervisor import Supervisor
from application.use_cases.broadcast import Broadcast
from application.use_cases.dispatcher import CommandDispatcher, pack_definition
from application.use_cases.join_channel import JoinChannel
from application.use_cases.leave_channel import LeaveChannel
from application.use_cases.receive_message import ReceiveMessage
from application.use_cases.send_message import SendMessage
from application.use_cases.send_rich_message import SendRichMessage
from application.workers.action_worker import ActionWorker
from application.workers.backfill import Backfill
from application.workers.backlog_monitor import BacklogMonitor
from application.workers.membership_sync import MembershipSync
from application.workers.message_consumer import MessageConsumer
from application.workers.outbox_relay import OutboxRelay
from domain.actions import ActionId, JournalEntry
from domain.channels import ChannelId
from domain.commands import Command
from domain.events import Event, Outcome
from domain.messages import IncomingMessage
from domain.outbox import OutboxEntry
from domain.users import User
from tests.support.faults import Faults, FaultyStorage, faulty

_REAL_SECONDS_TO_END = 5
"""Of the test's own time: the end of the pack needs none of the virtual one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator decides; the contract's defaults."""

    policy: PostingPolicy = field(default_factory=PostingPolicy)
    listen: Listen = Listen.JOINED
    receives_bots: bool = False
    catch_up_seconds: float = 3600
    journal_limit: int = 10_000
    default_channels: Sequence[ChannelId] = ()


class Process:
    """One run of the pack, wired as the container does it."""

    def __init__(self, world: "World", settings: Settings) -> None:
        clock, policy = world.clock, settings.policy
        chat = faulty(world.chat, world.faults)
        workflow = faulty(world.engine, world.faults)
        storage = FaultyStorage(world.storage, world.faults)
        self.stop = stop = Shutdown(clock)
        self.health = HealthRegistry()
        self.chat_health = ChatHealth(self.health)
        self.keep = keep = Safekeeping(stop, self.health)
        self.line = line = ChatLine(clock, stop, self.chat_health, policy.give_up_seconds)
        self.engine_line = engine_line = EngineLine(
            workflow, pack_definition("Slack", {"env": "test"}), stop, self.health
        )
        lanes = ChannelLocks()
        polling = PollSchedule(clock)
        posting = MessageSender(chat, storage, lanes, clock, stop, line, keep, policy)
        join_channel = JoinChannel(chat, storage, lanes, clock, line, keep)
        self.receive_message = ReceiveMessage(storage, keep, settings.listen, receives_bots=settings.receives_bots)
        catch_up = Backfill(
            chat, storage, self.receive_message, clock, stop, line, keep, settings.catch_up_seconds, settings.listen
        )
        pack = CommandDispatcher(
            SendMessage(posting),
            SendRichMessage(posting),
            Broadcast(posting, storage, keep),
            join_channel,
            LeaveChannel(chat, storage, lanes, line, keep, catch_up),
        )
        answering = ResultReporter(workflow, storage, stop, engine_line, keep)
        self.worker = ActionWorker(
            workflow, storage, pack, answering, polling, clock, stop, engine_line, keep, settings.journal_limit
        )
        users = UserDirectory(chat, clock, line)
        self.relay = OutboxRelay(workflow, storage, users, polling, clock, stop, engine_line, keep)
        self.hearing = MessageConsumer(
            world.ear, self.receive_message, catch_up, self.relay, self.chat_health, clock, stop
        )
        self.membership = MembershipSync(chat, storage, join_channel, clock, line, keep, settings.default_channels)
        self.gauge = BacklogMonitor(storage, self.health, clock, stop, keep)
        self.service = Supervisor(
            chat, storage, self.hearing, self.relay, self.worker, self.membership, self.gauge, engine_line, line,
            self.chat_health, keep, clock, stop,
        )  # fmt: skip


def _no_flows(_event: Event) -> Iterable[Command]:
    return ()


class World:
    """Chat, engine and storage, which outlive the pack; C1 and C2 are channels, U1 is Ada."""

    def __init__(self, flows: Callable[[Event], Iterable[Command]] = _no_flows) -> None:
        self.clock = MemoryClock()
        self.faults = Faults(self.clock)
        self.chat = MemoryChat(self.clock)
        self.ear = MemoryReceiver(self.chat, self.clock)
        self.engine = MemoryWorkflow(flows)
        self.storage = MemoryStorage()
        self.chat.add_user(User("U1", "Ada"))
        self.c1 = self.chat.add_channel("C1")
        self.c2 = self.chat.add_channel("C2")

    async def join(self, *channel_ids: ChannelId) -> None:
        """Have these channels joined since before the pack's start."""
        for channel_id in channel_ids:
            if not await self.chat.is_member(channel_id):
                self.chat.add_channel(channel_id, has_bot=True)  # in the place of the one without the bot
            await self.storage.channels.join(channel_id, self.clock.now())

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Nothing that is said meanwhile is delivered, now or later: it is in the history only."""
        self.chat.listeners.remove(self.ear.deliver)
        yield
        self.chat.listeners.append(self.ear.deliver)

    @asynccontextmanager
    async def pack(self, settings: Settings | None = None) -> AsyncIterator[Process]:
        """The pack, running; at the end it is asked to stop, and has to without time passing."""
        async with self._started(settings) as (process, serving):
            yield process
            process.stop.request()
            async with asyncio.timeout(_REAL_SECONDS_TO_END):
                await asyncio.wait([serving])

    @asynccontextmanager
    async def killed_pack(self, settings: Settings | None = None) -> AsyncIterator[Process]:
        """The pack, running; at the end it is no more, whatever it was at."""
        async with self._started(settings) as (process, _):
            yield process

    @asynccontextmanager
    async def _started(self, settings: Settings | None) -> AsyncIterator[tuple[Process, "asyncio.Task[None]"]]:
        process = self._process = Process(self, settings or Settings())
        async with self.storage.open():
            serving = asyncio.create_task(process.service.run(), name="service")
            try:
                await self.clock.advance(0)
                yield process, serving
            finally:
                serving.cancel()
                await asyncio.wait([serving])
                if not serving.cancelled():
                    serving.result()

    async def outcome(self, command: Command, within: float = 3) -> Outcome:
        """How the running pack answers that command, within so many seconds."""
        return await self.answer(self.engine.enqueue(command), within)

    async def answer(self, action_id: ActionId, within: float = 3) -> Outcome:
        """How the running pack answers that action, within so many seconds."""
        until = self.clock.monotonic() + within
        while action_id not in self.engine.answers and self.clock.monotonic() < until:
            await self.clock.advance(min(max(0.25, within / 20), until - self.clock.monotonic()))
        return self.engine.answers[action_id][0]

    @property
    def texts(self) -> list[str]:
        """What the pack posted, in order."""
        return [post.message.text for post in self.chat.posts]

    @property
    def told(self) -> list[str]:
        """The texts of the messages that the engine was told of, in order."""
        return [event.said.text for event, _ in self.engine.published]

    def check(self, name: str) -> HealthStatus:
        """What the pack started last reports of this part of it."""
        return self._process.health.checks()[name]

    def health_of(self, name: str) -> bool:
        """Whether it reports this part as healthy."""
        return self.check(name).healthy

    async def waiting(self) -> list[IncomingMessage]:
        """What is in the outbox."""
        return [entry.said async for entry in self.storage.outbox.entries()]

    async def set_aside(self) -> list[OutboxEntry]:
        """What was set aside from the outbox."""
        return [entry async for entry in self.storage.outbox.entries(set_aside=True)]

    async def in_journal(self, action_id: ActionId) -> JournalEntry:
        """What the journal knows of an action."""
        entry = await self.storage.journal.load(action_id)
        assert entry is not None
        return entry
