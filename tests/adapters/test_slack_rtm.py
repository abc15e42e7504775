import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.slack.sockets.rtm import SlackRtm
from application.ports.receiver import (
    ChatEvent,
    Connected,
    Disconnected,
    IncomingEvent,
    MembershipGained,
    MembershipLost,
)
from domain.channels import ChannelId
from domain.errors import AuthenticationFailed, ChatRejected
from domain.messages import IncomingMessage
from entrypoints.simulation.slack import faults
from entrypoints.simulation.slack.server import SlackServer
from tests.contracts.receiver_contract import next_event
from tests.support.slack_receiver import ConnectedReceiver, connect_receiver
from tests.support.virtual_time import TestTime

pytestmark = pytest.mark.virtual_time


@asynccontextmanager
async def listening(clock: TestTime) -> AsyncIterator[tuple[ConnectedReceiver, AsyncIterator[IncomingEvent]]]:
    async with (
        SlackServer(classic=True) as slack,
        connect_receiver(slack, clock) as ear,
        ear.receiver.events() as arrivals,
    ):
        assert await event_of(arrivals) == Connected(None, replays_missed=False)
        yield ear, arrivals


async def event_of(arrivals: AsyncIterator[IncomingEvent]) -> ChatEvent:
    return (await next_event(arrivals, within_seconds=60)).event


async def test_a_token_that_can_not_use_rtm_ends_the_iteration_with_alternatives() -> None:
    async with (
        SlackServer() as granular,
        connect_receiver(granular) as ear,
        SlackRtm(ear.web, TestTime()).events() as arrivals,
    ):
        with pytest.raises(ChatRejected) as refusal:
            await next_event(arrivals)

    assert not isinstance(refusal.value, AuthenticationFailed)
    assert str(refusal.value) == (
        "not_allowed_token_type: this token can't use RTM, which only classic apps support; "
        "set FLYTE_SLACK_APP_TOKEN (Socket Mode) or FLYTE_SLACK_SIGNING_SECRET (signed HTTP requests)"
    )


async def test_a_goodbye_is_followed_by_a_new_connection_at_once() -> None:
    clock = TestTime()
    async with listening(clock) as (ear, arrivals):
        await clock.advance(11)
        (old,) = ear.slack.connections
        ear.slack.disconnect(close_after_seconds=30)
        await ear.slack.wait_for(lambda: ear.slack.connections and old not in ear.slack.connections)

        ear.say("after")
        said = await event_of(arrivals)

    assert isinstance(said, IncomingMessage)
    assert said.text == "after"


async def test_a_lost_connection_is_reopened_and_its_gap_reported() -> None:
    clock = TestTime()
    async with listening(clock) as (ear, arrivals):
        ear.slack.drop_sockets()
        assert await event_of(arrivals) == Disconnected("the connection ended")
        ear.say("lost")
        await clock.settle()
        await clock.advance(1)
        connected = await event_of(arrivals)
        ear.say("after")
        said = await event_of(arrivals)

    assert isinstance(connected, Connected)
    assert connected.disconnected_since is not None
    assert isinstance(said, IncomingMessage)
    assert said.text == "after"


async def test_a_silent_connection_is_replaced() -> None:
    clock = TestTime()
    async with listening(clock) as (ear, arrivals):
        ear.slack.silence_sockets()
        for _ in range(4):
            await clock.advance(10)
        assert await event_of(arrivals) == Disconnected("Slack fell silent")
        assert isinstance(await event_of(arrivals), Connected)


async def test_a_quiet_connection_is_pinged_and_stays_open() -> None:
    clock = TestTime()
    async with listening(clock) as (ear, arrivals):
        for number in range(10):
            await clock.advance(10)
            ear.say(str(number))
            assert isinstance(await event_of(arrivals), IncomingMessage)
        assert ear.slack.counters["rtm.connect"] == 1


async def test_invitations_and_removals_are_received_for_public_and_private_channels() -> None:
    async with listening(TestTime()) as (ear, arrivals):
        for private in (False, True):
            channel = ChannelId(ear.slack.add_channel(f"other-{private}", private=private, members=("alice",)))
            ear.slack.invite(channel, ear.slack.bot_user_id)
            ear.slack.kick(channel, ear.slack.bot_user_id)
            seen = set[ChatEvent]()
            async with asyncio.timeout(5):
                while not {MembershipGained(channel), MembershipLost(channel)} <= seen:
                    seen.add(await event_of(arrivals))


@pytest.mark.parametrize(
    "frame",
    [
        "no json",
        "{}",
        '{"type": "error", "error": {"code": 1, "msg": "Socket URL has expired"}}',
        '{"ok": true, "reply_to": 1, "ts": "1.2", "text": "an answer"}',
        '{"type": "reconnect_url", "url": "wss://elsewhere"}',
        '{"type": "user_typing", "channel": "C1", "user": "U1"}',
        '{"type": "message", "channel": "C1"}',
    ],
)
async def test_useless_frames_do_no_harm(frame: str) -> None:
    async with listening(TestTime()) as (ear, arrivals):
        ear.slack.raw_frame(frame)
        ear.say("after")
        said = await event_of(arrivals)

    assert isinstance(said, IncomingMessage)
    assert said.text == "after"


async def test_lone_surrogates_are_replaced() -> None:
    async with listening(TestTime()) as (ear, arrivals):
        frame = {"type": "message", "channel": "C1", "user": "U1", "ts": "1.2", "text": "half \ud83d, whole 😀"}
        ear.slack.raw_frame(json.dumps(frame))
        said = await event_of(arrivals)

    assert isinstance(said, IncomingMessage)
    assert said.text == "half \ufffd, whole 😀"


async def test_the_time_that_slack_asks_to_wait_is_respected() -> None:
    clock = TestTime()
    async with SlackServer(classic=True) as slack, connect_receiver(slack, clock) as ear:
        slack.faults.plan("rtm.connect", faults.rate_limited(30))
        async with ear.receiver.events() as arrivals:
            assert isinstance(await event_of(arrivals), Disconnected)
            began = clock.elapsed
            assert await event_of(arrivals) == Connected(None, replays_missed=False)
            assert 30 <= clock.elapsed - began < 31
