"""The surroundings of a pack, in memory and in virtual time, and the pack itself: a process that starts and ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

from adapters.memory.chat import MemoryChat
from adapters.memory.receiver import MemoryReceiver
from adapters.memory.storage import MemoryStorage
from adapters.memory.workflow import MemoryWorkflow
from application.health import HealthStatus
from application.ports.storage import Storage
from application.resilience.interception import InterceptedStorage, intercepted
from domain.actions import ActionId, JournalEntry
from domain.channels import ChannelId
from domain.commands import Command
from domain.events import Event, Outcome
from domain.messages import IncomingMessage
from domain.outbox import OutboxEntry
from domain.users import User
from entrypoints.config.settings import Settings, load_settings
from entrypoints.container.adapters import FixedAdapters
from entrypoints.container.application import Application
from entrypoints.container.instruments import AnyInstruments, NoInstruments
from tests.support.faults import Faults
from tests.support.virtual_time import SteppedClock, TestTime

_SHUTDOWN_SECONDS = 5

DEFAULTS = load_settings(
    {
        "FLYTE_API": "http://flyte.invalid",
        "FLYTE_SLACK_TOKEN": "xoxb-none",
        "FLYTE_SLACK_STORAGE": "memory:",
        "FLYTE_LABELS": "env=test",
    }
)
"""The contract's default settings."""


def pack_settings(**changes: Any) -> Settings:
    """Returns the default settings with these changes."""
    return replace(DEFAULTS, **changes)


def no_flows(_event: Event) -> Iterable[Command]:
    """Returns the answer of an engine without flows."""
    return ()


class World:
    """Chat, engine and storage, which outlive the pack. C1 and C2 are channels, U1 is Ada."""

    storage: Storage

    def __init__(self, flows: Callable[[Event], Iterable[Command]] = no_flows) -> None:
        self.clock = TestTime()
        self.pack_clock = SteppedClock(self.clock)
        """The clock of the pack's machine; chat and engine go by `clock`."""
        self.faults = Faults()
        self.chat = MemoryChat(self.clock)
        self.receiver = MemoryReceiver(self.chat, self.pack_clock)
        self.engine = MemoryWorkflow(flows, self.clock)
        self.storage = MemoryStorage(self.pack_clock)
        self.chat.add_user(User("U1", "Ada"))
        self.c1 = self.chat.add_channel("C1")
        self.c2 = self.chat.add_channel("C2")
        self.instruments: AnyInstruments = NoInstruments()
        """Of the pack that was started last."""
        self.application: Any = None
        """Of the pack that was started last."""

    async def join(self, *channel_ids: ChannelId) -> None:
        """Joins channels before the pack starts."""
        for channel_id in channel_ids:
            if not await self.chat.is_member(channel_id):
                self.chat.add_channel(channel_id, has_bot=True)  # replaces the one without the bot
            await self.storage.channels.join(channel_id, since=self.clock.now())

    @contextmanager
    def undelivered(self) -> Iterator[None]:
        """Messages posted meanwhile are never delivered: they are in the history only."""
        self.chat.listeners.remove(self.receiver.deliver)
        yield
        self.chat.listeners.append(self.receiver.deliver)

    def new_instruments(self) -> AnyInstruments:
        """Returns what watches the next pack."""
        return NoInstruments()

    def new_application(self, settings: Settings | None = None) -> Any:
        """Returns the application of a new process, with the faults around its adapters."""
        self.instruments = self.new_instruments()
        adapters = FixedAdapters(
            clock=self.pack_clock,
            storage=self.instruments.storage(InterceptedStorage(self.storage, self.faults)),
            chat=intercepted(self.chat, self.faults),
            receiver=self.instruments.receiver(self.receiver),
            workflow=self.instruments.workflow(intercepted(self.engine, self.faults)),
            telemetry=self.instruments.telemetry,
        )
        return Application(settings=settings or DEFAULTS, adapters=adapters)

    @asynccontextmanager
    async def pack(self, settings: Settings | None = None) -> AsyncIterator[Any]:
        """Runs the pack; at the end it is asked to shut down, and has to without time passing."""
        async with self._started(settings) as (application, running):
            yield application
            application.shutdown().request()
            async with asyncio.timeout(_SHUTDOWN_SECONDS):
                await asyncio.wait([running])

    @asynccontextmanager
    async def killed_pack(self, settings: Settings | None = None) -> AsyncIterator[Any]:
        """Runs the pack; at the end it is killed, whatever it is doing."""
        async with self._started(settings) as (application, _):
            yield application

    @asynccontextmanager
    async def _started(self, settings: Settings | None) -> AsyncIterator[tuple[Any, "asyncio.Task[None]"]]:
        application = self.application = self.new_application(settings)
        async with self.storage.open():
            running = asyncio.create_task(application.supervisor().run(), name="pack")
            try:
                await self.clock.settle()
                yield application, running
            finally:
                running.cancel()
                await asyncio.wait([running])
                if not running.cancelled():
                    running.result()

    async def outcome(self, command: Command, within: float = 3) -> Outcome:
        """Returns how the running pack ends the command, within so many seconds."""
        return await self.answer(self.engine.enqueue(command), within)

    async def answer(self, action_id: ActionId, within: float = 3) -> Outcome:
        """Returns how the running pack ends the action, within so many seconds."""
        until = self.clock.elapsed + within
        while action_id not in self.engine.outcomes and self.clock.elapsed < until:
            await self.clock.advance(min(max(0.25, within / 20), until - self.clock.elapsed))
        return self.engine.outcomes[action_id][0]

    @property
    def texts(self) -> list[str]:
        """What the pack has posted, in order."""
        return [post.message.text for post in self.chat.posts]

    @property
    def published_texts(self) -> list[str]:
        """The texts of the messages that the engine has received, in order."""
        return [message.text for message in self.engine.published_messages]

    def check(self, name: str) -> HealthStatus:
        """Returns what the pack that was started last reports of this part."""
        status: HealthStatus = self.application.health().checks()[name]
        return status

    def is_healthy(self, name: str) -> bool:
        """Returns whether it reports this part as healthy."""
        return self.check(name).healthy

    async def waiting(self) -> list[IncomingMessage]:
        """Returns the messages in the outbox."""
        return [
            entry.event async for entry in self.storage.outbox.entries() if isinstance(entry.event, IncomingMessage)
        ]

    async def dead_lettered_texts(self) -> list[str]:
        """Returns the texts of the dead-lettered messages."""
        entries = await self.dead_letters()
        return [entry.event.text for entry in entries if isinstance(entry.event, IncomingMessage)]

    async def dead_letters(self) -> list[OutboxEntry]:
        """Returns the dead-lettered entries of the outbox."""
        return [entry async for entry in self.storage.outbox.entries(dead_lettered=True)]

    async def in_journal(self, action_id: ActionId) -> JournalEntry:
        """Returns what the journal knows of an action."""
        entry = await self.storage.journal.load(action_id)
        assert entry is not None
        return entry
