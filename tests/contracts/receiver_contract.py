"""What every ear must do, whichever it is."""

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
    """An ear, and the place where things are said. There is one channel with the bot in it."""

    receiver: Receiver
    identity: Identity
    channel: ChannelId

    @abstractmethod
    def say(self, text: str, thread: str = "") -> str:
        """Somebody says something in the channel; returns its timestamp."""

    @abstractmethod
    def say_directly(self, text: str) -> str:
        """Somebody says something to the bot alone."""

    @abstractmethod
    async def post(self, text: str) -> None:
        """The pack itself says something in the channel."""

    @abstractmethod
    def open_other_channel(self) -> ChannelId:
        """A channel without the bot."""

    @abstractmethod
    def invite(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def remove(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def archive(self, channel_id: ChannelId) -> None: ...

    @abstractmethod
    def revoke_token(self) -> None:
        """From now on the service does not know the pack's token."""

    @abstractmethod
    def is_acknowledged(self, timestamp: str) -> bool: ...

    @abstractmethod
    async def wait_until_acknowledged(self, timestamp: str) -> None: ...

    @abstractmethod
    def redeliver(self) -> None:
        """Let what is not acknowledged be delivered again now."""


async def next_event(arrivals: AsyncIterator[IncomingEvent]) -> IncomingEvent:
    """The next arrival, soon."""
    async with asyncio.timeout(5):
        return await anext(arrivals)


async def next_events(arrivals: AsyncIterator[IncomingEvent], count: int) -> list[ChatEvent]:
    """The next events, each acknowledged."""
    events = []
    for _ in range(count):
        arrival = await next_event(arrivals)
        await arrival.acknowledge()
        events.append(arrival.event)
    return events


class ReceiverContract:
    acknowledges = True
    """Whether the service waits for acknowledgements and delivers again what got none."""

    @pytest.fixture
    def stage(self) -> ReceiverEnvironment:
        raise NotImplementedError

    async def test_the_first_thing_heard_is_that_it_hears(self, stage: ReceiverEnvironment) -> None:
        async with stage.receiver.events() as arrivals:
            assert (await next_event(arrivals)).event == Connected(None, replays_missed=self.acknowledges)

    async def test_what_is_said_arrives_in_the_order_of_saying(self, stage: ReceiverEnvironment) -> None:
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            timestamps = [stage.say(f"message {number}") for number in range(20)]
            events = await next_events(arrivals, 20)

        said = [event for event in events if isinstance(event, IncomingMessage)]
        assert [(message.text, message.timestamp) for message in said] == [
            (f"message {number}", timestamp) for number, timestamp in enumerate(timestamps)
        ]
        assert {message.channel_id for message in said} == {stage.channel}
        assert all(message.user_id and not message.bot_id for message in said)
        assert not any(message.is_direct for message in said)

    async def test_a_reply_names_its_thread(self, stage: ReceiverEnvironment) -> None:
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            parent = stage.say("question")
            stage.say("answer", thread=parent)
            _, reply = await next_events(arrivals, 2)

        assert isinstance(reply, IncomingMessage)
        assert reply.thread_timestamp == parent

    async def test_what_is_said_to_the_bot_alone_is_direct(self, stage: ReceiverEnvironment) -> None:
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            stage.say_directly("psst")
            (said,) = await next_events(arrivals, 1)

        assert isinstance(said, IncomingMessage)
        assert (said.text, said.is_direct) == ("psst", True)

    async def test_the_pack_hears_itself_and_knows_that_it_does(self, stage: ReceiverEnvironment) -> None:
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            await stage.post("it is me")
            (said,) = await next_events(arrivals, 1)

        assert isinstance(said, IncomingMessage)
        assert said.is_from(stage.identity)

    async def test_the_time_of_arrival_is_in_utc_and_whole_milliseconds(self, stage: ReceiverEnvironment) -> None:
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            stage.say("hello")
            received_at = (await next_event(arrivals)).received_at

        assert received_at.utcoffset() == timedelta(0)
        assert received_at.microsecond % 1000 == 0

    async def test_an_invitation_is_heard(self, stage: ReceiverEnvironment) -> None:
        other = stage.open_other_channel()
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            stage.invite(other)
            assert MembershipGained(other) in await next_events(arrivals, 1)

    async def test_a_removal_is_heard(self, stage: ReceiverEnvironment) -> None:
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            stage.remove(stage.channel)
            assert MembershipLost(stage.channel) in await next_events(arrivals, 1)

    async def test_the_end_of_a_channel_is_heard_as_a_removal(self, stage: ReceiverEnvironment) -> None:
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            stage.archive(stage.channel)
            assert MembershipLost(stage.channel) in await next_events(arrivals, 1)

    async def test_nothing_is_acknowledged_before_its_arrival_is(self, stage: ReceiverEnvironment) -> None:
        if not self.acknowledges:
            return
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            first, second = stage.say("first"), stage.say("second")
            unacknowledged, arrival = await next_event(arrivals), await next_event(arrivals)
            assert isinstance(unacknowledged.event, IncomingMessage)
            assert unacknowledged.event.timestamp == first

            await arrival.acknowledge()
            await stage.wait_until_acknowledged(second)

            assert not stage.is_acknowledged(first)

    async def test_what_is_not_acknowledged_arrives_again(self, stage: ReceiverEnvironment) -> None:
        if not self.acknowledges:
            return
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            timestamp = stage.say("once more")
            first = await next_event(arrivals)
            stage.redeliver()
            again = await next_event(arrivals)
            await again.acknowledge()
            await stage.wait_until_acknowledged(timestamp)

        assert again.event == first.event

    async def test_acknowledging_twice_or_too_late_does_nothing(self, stage: ReceiverEnvironment) -> None:
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            stage.say("one")
            stage.say("two")
            one, two = await next_event(arrivals), await next_event(arrivals)
            await one.acknowledge()
            await one.acknowledge()

        await one.acknowledge()
        await two.acknowledge()

    async def test_acknowledgements_given_before_leaving_reach_the_service(self, stage: ReceiverEnvironment) -> None:
        if not self.acknowledges:
            return
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            timestamps = [stage.say(f"message {number}") for number in range(50)]
            for arrival in [await next_event(arrivals) for _ in timestamps]:
                await arrival.acknowledge()

        for timestamp in timestamps:
            await stage.wait_until_acknowledged(timestamp)

    async def test_listening_can_be_taken_up_again(self, stage: ReceiverEnvironment) -> None:
        for text in ("first time", "second time"):
            async with stage.receiver.events() as arrivals:
                assert isinstance((await next_event(arrivals)).event, Connected)
                stage.say(text)
                (said,) = await next_events(arrivals, 1)
            assert isinstance(said, IncomingMessage)
            assert said.text == text

    async def test_a_token_that_is_refused_ends_the_listening(self, stage: ReceiverEnvironment) -> None:
        stage.revoke_token()

        async with stage.receiver.events() as arrivals:
            with pytest.raises(AuthenticationFailed) as refusal:
                await next_event(arrivals)

        assert refusal.value.code == "invalid_auth"

    async def test_a_consumer_that_stops_asking_can_leave(self, stage: ReceiverEnvironment) -> None:
        async with stage.receiver.events() as arrivals:
            await next_event(arrivals)
            waiting = asyncio.create_task(next_event(arrivals), name="waiting")
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert waiting.cancelled()
