"""The contract of every Receiver, and that of receivers whose service waits for acknowledgements."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from application.ports.receiver import ChatEvent, Connected, IncomingEvent, MembershipGained, MembershipLost, Receiver
from domain.channels import ChannelId
from domain.errors import AuthenticationFailed
from domain.messages import IncomingMessage
from domain.users import Identity


class ReceiverEnvironment(ABC):
    """A receiver and the chat service it is connected to, with one channel that the bot is a member of."""

    receiver: Receiver
    identity: Identity
    channel: ChannelId
    replays_missed = True
    """Whether the service delivers messages again that were sent during a disconnection."""

    @abstractmethod
    def say(self, text: str, thread: str = "") -> str:
        """Lets a user send a message to the channel; returns its timestamp."""

    @abstractmethod
    def say_directly(self, text: str) -> str:
        """Lets a user send a direct message to the bot; returns its timestamp."""

    @abstractmethod
    async def post(self, text: str) -> None:
        """Lets the pack itself post to the channel."""

    @abstractmethod
    def open_other_channel(self) -> ChannelId:
        """Creates a channel without the bot."""

    @abstractmethod
    def invite(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def remove(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def archive(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def revoke_token(self) -> None:
        """Makes the service reject the pack's token from now on."""


class AcknowledgingEnvironment(ReceiverEnvironment):
    """The environment of a receiver whose service redelivers unacknowledged events."""

    @abstractmethod
    def is_acknowledged(self, timestamp: str) -> bool: ...

    @abstractmethod
    async def wait_until_acknowledged(self, timestamp: str) -> None: ...

    @abstractmethod
    def redeliver(self) -> None:
        """Makes the service redeliver unacknowledged events now."""


async def next_event(events: AsyncIterator[IncomingEvent], *, within_seconds: float = 5) -> IncomingEvent:
    """Returns the next event, which has to arrive in time."""
    async with asyncio.timeout(within_seconds):
        return await anext(events)


async def next_events(events: AsyncIterator[IncomingEvent], count: int) -> list[ChatEvent]:
    """Returns the next events, each acknowledged."""
    received = []
    for _ in range(count):
        event = await next_event(events)
        await event.acknowledge()
        received.append(event.event)
    return received


class ReceiverContract:
    @pytest.fixture
    def environment(self) -> ReceiverEnvironment:
        raise NotImplementedError

    async def test_the_first_event_is_the_connection(self, environment: ReceiverEnvironment) -> None:
        async with environment.receiver.events() as events:
            assert (await next_event(events)).event == Connected(None, replays_missed=environment.replays_missed)

    async def test_messages_arrive_in_the_order_of_sending(self, environment: ReceiverEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            timestamps = [environment.say(f"message {number}") for number in range(20)]
            received = await next_events(events, 20)

        messages = [event for event in received if isinstance(event, IncomingMessage)]
        assert [(message.text, message.timestamp) for message in messages] == [
            (f"message {number}", timestamp) for number, timestamp in enumerate(timestamps)
        ]
        assert {message.channel_id for message in messages} == {environment.channel}
        assert all(message.user_id and not message.bot_id for message in messages)
        assert not any(message.is_direct for message in messages)

    async def test_a_reply_names_its_thread(self, environment: ReceiverEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            parent = environment.say("question")
            environment.say("answer", thread=parent)
            _, reply = await next_events(events, 2)

        assert isinstance(reply, IncomingMessage)
        assert reply.thread_timestamp == parent

    async def test_a_direct_message_is_marked_as_direct(self, environment: ReceiverEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            environment.say_directly("psst")
            (message,) = await next_events(events, 1)

        assert isinstance(message, IncomingMessage)
        assert (message.text, message.is_direct) == ("psst", True)

    async def test_the_packs_own_messages_are_recognized(self, environment: ReceiverEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            await environment.post("it is me")
            (message,) = await next_events(events, 1)

        assert isinstance(message, IncomingMessage)
        assert environment.identity.matches(message.user_id, message.bot_id)

    async def test_the_time_of_receipt_is_in_utc_and_whole_milliseconds(self, environment: ReceiverEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            environment.say("hello")
            received_at = (await next_event(events)).received_at

        assert received_at.utcoffset() == timedelta(0)
        assert received_at.microsecond % 1000 == 0

    async def test_an_invitation_is_received(self, environment: ReceiverEnvironment) -> None:
        other = environment.open_other_channel()
        async with environment.receiver.events() as events:
            await next_event(events)
            environment.invite(other)
            assert await next_events(events, 1) == [MembershipGained(other)]

    async def test_a_removal_is_received(self, environment: ReceiverEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            environment.remove(environment.channel)
            assert await next_events(events, 1) == [MembershipLost(environment.channel)]

    async def test_archiving_a_channel_is_received_as_a_removal(self, environment: ReceiverEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            environment.archive(environment.channel)
            assert await next_events(events, 1) == [MembershipLost(environment.channel)]

    async def test_acknowledging_twice_or_after_leaving_does_not_disturb_other_events(
        self, environment: ReceiverEnvironment
    ) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            environment.say("one")
            one = await next_event(events)
            await one.acknowledge()
            await one.acknowledge()
            environment.say("two")
            two = await next_event(events)
        assert isinstance(two.event, IncomingMessage)
        assert two.event.text == "two"

        await two.acknowledge()

        async with environment.receiver.events() as events:
            assert isinstance((await next_event(events)).event, Connected)

    async def test_events_can_be_received_again_after_leaving(self, environment: ReceiverEnvironment) -> None:
        for text in ("first time", "second time"):
            async with environment.receiver.events() as events:
                assert isinstance((await next_event(events)).event, Connected)
                environment.say(text)
                (message,) = await next_events(events, 1)
            assert isinstance(message, IncomingMessage)
            assert message.text == text

    async def test_a_rejected_token_ends_the_iteration(self, environment: ReceiverEnvironment) -> None:
        environment.revoke_token()

        async with environment.receiver.events() as events:
            with pytest.raises(AuthenticationFailed) as rejection:
                await next_event(events)

        assert rejection.value.code == "invalid_auth"

    async def test_a_consumer_that_is_cancelled_can_leave(self, environment: ReceiverEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            waiting = asyncio.create_task(next_event(events), name="waiting")
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert waiting.cancelled()


class AcknowledgementContract:
    """A second mixin, for receivers whose service redelivers unacknowledged events."""

    @pytest.fixture
    def environment(self) -> AcknowledgingEnvironment:
        raise NotImplementedError

    async def test_only_acknowledged_events_are_acknowledged_to_the_service(
        self, environment: AcknowledgingEnvironment
    ) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            first, second = environment.say("first"), environment.say("second")
            await next_event(events)
            event = await next_event(events)

            await event.acknowledge()
            await event.acknowledge()
            await environment.wait_until_acknowledged(second)

            assert not environment.is_acknowledged(first)

    async def test_an_unacknowledged_event_arrives_again(self, environment: AcknowledgingEnvironment) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            timestamp = environment.say("once more")
            first = await next_event(events)
            environment.redeliver()
            again = await next_event(events)
            await again.acknowledge()
            await environment.wait_until_acknowledged(timestamp)

        assert again.event == first.event

    async def test_acknowledgements_given_before_leaving_reach_the_service(
        self, environment: AcknowledgingEnvironment
    ) -> None:
        async with environment.receiver.events() as events:
            await next_event(events)
            timestamps = [environment.say(f"message {number}") for number in range(50)]
            for event in [await next_event(events) for _ in timestamps]:
                await event.acknowledge()

        for timestamp in timestamps:
            await environment.wait_until_acknowledged(timestamp)
