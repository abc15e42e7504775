from datetime import UTC, datetime

import pytest

from adapters.memory.chat import MemoryChat
from adapters.memory.receiver import MemoryReceiver
from application.ports.receiver import MembershipGained
from domain.channels import ChannelId
from domain.errors import AuthenticationFailed
from domain.messages import IncomingMessage, OutgoingMessage
from entrypoints.testing.manual_clock import ManualClock
from tests.contracts.receiver_contract import (
    AcknowledgementContract,
    AcknowledgingEnvironment,
    ReceiverContract,
    next_event,
)

START = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryReceiverEnvironment(AcknowledgingEnvironment):
    def __init__(self) -> None:
        self._chat = MemoryChat(ManualClock(START))
        self.receiver: MemoryReceiver = MemoryReceiver(self._chat, ManualClock(START))
        self.identity = self._chat.identity
        self.channel = self._chat.add_channel("C1", has_bot=True)
        self._direct = self._chat.add_channel("D1", has_bot=True)

    def say(self, text: str, thread: str = "") -> str:
        return self._chat.say(self.channel, text, thread_timestamp=thread).timestamp

    def say_directly(self, text: str) -> str:
        return self._chat.say(self._direct, text).timestamp

    async def post(self, text: str) -> None:
        await self._chat.post(OutgoingMessage(self.channel, text), None)

    def open_other_channel(self) -> ChannelId:
        return self._chat.add_channel("C2")

    def invite(self, channel_id: ChannelId) -> None:
        self._chat.invite(channel_id)

    def remove(self, channel_id: ChannelId) -> None:
        self._chat.remove(channel_id)

    def archive(self, channel_id: ChannelId) -> None:
        self._chat.archive(channel_id)

    def revoke_token(self) -> None:
        self.receiver.reject(AuthenticationFailed("invalid_auth", "the token is not known"))

    def is_acknowledged(self, timestamp: str) -> bool:
        return any(
            isinstance(event, IncomingMessage) and event.timestamp == timestamp for event in self.receiver.acknowledged
        )

    async def wait_until_acknowledged(self, timestamp: str) -> None:
        assert self.is_acknowledged(timestamp)

    def redeliver(self) -> None:
        self.receiver.redeliver()


class TestMemoryReceiver(ReceiverContract, AcknowledgementContract):
    @pytest.fixture
    def environment(self) -> AcknowledgingEnvironment:
        return MemoryReceiverEnvironment()


async def test_messages_before_the_first_connection_are_delivered_after_it() -> None:
    environment = MemoryReceiverEnvironment()
    environment.say("early")

    async with environment.receiver.events() as events:
        await next_event(events)
        event = (await next_event(events)).event

    assert isinstance(event, IncomingMessage)
    assert event.text == "early"


async def test_any_event_can_be_delivered() -> None:
    environment = MemoryReceiverEnvironment()

    async with environment.receiver.events() as events:
        await next_event(events)
        environment.receiver.deliver(MembershipGained(ChannelId("C9")))
        assert (await next_event(events)).event == MembershipGained(ChannelId("C9"))
