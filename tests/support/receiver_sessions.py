"""Receivers of a simulated Slack in virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from application.ports.receiver import ChatEvent, Connected, Disconnected, IncomingEvent
from domain.messages import IncomingMessage
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.receiver_contract import next_event
from tests.support.slack_receiver import ConnectedReceiver, connect_receiver
from tests.support.virtual_time import TestTime

OPEN = "apps.connections.open"


@dataclass
class ReceiverSession:
    """A receiver, the Slack that it is connected to, and the time."""

    slack: SlackServer
    slack_receiver: ConnectedReceiver
    clock: TestTime
    events: AsyncIterator[IncomingEvent]

    async def event(self) -> ChatEvent:
        """Returns the next event, acknowledged."""
        event = await next_event(self.events)
        await event.acknowledge()
        return event.event

    async def disconnected(self) -> str:
        """Returns the reason in the next event, which has to be a loss of the connection."""
        event = await self.event()
        assert isinstance(event, Disconnected)
        return event.reason

    async def receives(self, text: str) -> None:
        """Posts a message, which has to be the next event."""
        self.slack_receiver.say(text)
        event = await self.event()
        assert isinstance(event, IncomingMessage)
        assert event.text == text

    async def establish(self) -> None:
        """Lets the connection live long enough to be replaced at once after its end."""
        await self.clock.advance(11)

    async def next_pause(self) -> float:
        """Waits for the next attempt to connect, and returns how long it took."""
        began, attempts = self.clock.elapsed, self.attempts
        await self.slack.wait_for(lambda: self.attempts > attempts, timeout=120)
        return self.clock.elapsed - began

    @property
    def attempts(self) -> int:
        """How often the receiver has asked Slack for a connection."""
        return self.slack.counters[OPEN]


@asynccontextmanager
async def connected_session(
    *, timeout_seconds: float = 5.0, ping_seconds: float = 5.0
) -> AsyncIterator[ReceiverSession]:
    """A connected receiver in virtual time."""
    async with connecting_session(timeout_seconds=timeout_seconds, ping_seconds=ping_seconds) as session:
        assert await session.event() == Connected(None)
        yield session


@asynccontextmanager
async def connecting_session(
    *, timeout_seconds: float = 5.0, ping_seconds: float = 5.0
) -> AsyncIterator[ReceiverSession]:
    """A receiver that is connecting, in virtual time."""
    clock = TestTime()
    async with (
        SlackServer(ping_seconds=ping_seconds) as slack,
        connect_receiver(slack, clock, timeout_seconds=timeout_seconds) as slack_receiver,
        slack_receiver.receiver.events() as events,
    ):
        yield ReceiverSession(slack, slack_receiver, clock, events)
