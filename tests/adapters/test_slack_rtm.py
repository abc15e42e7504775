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
async def connected_session(clock: TestTime) -> AsyncIterator[tuple[ConnectedReceiver, AsyncIterator[IncomingEvent]]]:
    async with (
        SlackServer(classic=True) as slack,
        connect_receiver(slack, clock) as slack_receiver,
        slack_receiver.receiver.events() as events,
    ):
        assert await event_of(events) == Connected(None, replays_missed=False)
        yield slack_receiver, events


async def event_of(events: AsyncIterator[IncomingEvent]) -> ChatEvent:
    return (await next_event(events, within_seconds=60)).event


async def test_a_token_that_can_not_use_rtm_ends_the_iteration_with_alternatives() -> None:
    async with (
        SlackServer() as granular,
        connect_receiver(granular) as slack_receiver,
        SlackRtm(slack_receiver.web, TestTime()).events() as events,
    ):
        with pytest.raises(ChatRejected) as refusal:
            await next_event(events)

    assert not isinstance(refusal.value, AuthenticationFailed)
    assert str(refusal.value) == (
        "not_allowed_token_type: this token can't use RTM, which only classic apps support; "
        "set FLYTE_SLACK_APP_TOKEN (Socket Mode) or FLYTE_SLACK_SIGNING_SECRET (signed HTTP requests)"
    )


async def test_a_goodbye_is_followed_by_a_new_connection_at_once() -> None:
    clock = TestTime()
    async with connected_session(clock) as (slack_receiver, events):
        await clock.advance(11)
        (old,) = slack_receiver.slack.connections
        slack_receiver.slack.disconnect(close_after_seconds=30)
        await slack_receiver.slack.wait_for(
            lambda: slack_receiver.slack.connections and old not in slack_receiver.slack.connections
        )

        slack_receiver.say("after")
        message = await event_of(events)

    assert isinstance(message, IncomingMessage)
    assert message.text == "after"


async def test_a_lost_connection_is_reopened_and_its_gap_reported() -> None:
    clock = TestTime()
    async with connected_session(clock) as (slack_receiver, events):
        slack_receiver.slack.drop_sockets()
        assert await event_of(events) == Disconnected("the connection ended")
        slack_receiver.say("lost")
        await clock.settle()
        await clock.advance(1)
        connected = await event_of(events)
        slack_receiver.say("after")
        message = await event_of(events)

    assert isinstance(connected, Connected)
    assert connected.disconnected_seconds is not None
    assert isinstance(message, IncomingMessage)
    assert message.text == "after"


async def test_a_silent_connection_is_replaced() -> None:
    clock = TestTime()
    async with connected_session(clock) as (slack_receiver, events):
        slack_receiver.slack.silence_sockets()
        for _ in range(4):
            await clock.advance(10)
        assert await event_of(events) == Disconnected("Slack fell silent")
        assert isinstance(await event_of(events), Connected)


async def test_a_quiet_connection_is_pinged_and_stays_open() -> None:
    clock = TestTime()
    async with connected_session(clock) as (slack_receiver, events):
        for number in range(10):
            await clock.advance(10)
            slack_receiver.say(str(number))
            assert isinstance(await event_of(events), IncomingMessage)
        assert slack_receiver.slack.counters["rtm.connect"] == 1


async def test_invitations_and_removals_are_received_for_public_and_private_channels() -> None:
    async with connected_session(TestTime()) as (slack_receiver, events):
        for private in (False, True):
            channel = ChannelId(
                slack_receiver.slack.add_channel(f"other-{private}", private=private, members=("alice",))
            )
            slack_receiver.slack.invite(channel, slack_receiver.slack.bot_user_id)
            slack_receiver.slack.kick(channel, slack_receiver.slack.bot_user_id)
            seen = set[ChatEvent]()
            async with asyncio.timeout(5):
                while not {MembershipGained(channel), MembershipLost(channel)} <= seen:
                    seen.add(await event_of(events))


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
    async with connected_session(TestTime()) as (slack_receiver, events):
        slack_receiver.slack.raw_frame(frame)
        slack_receiver.say("after")
        message = await event_of(events)

    assert isinstance(message, IncomingMessage)
    assert message.text == "after"


async def test_lone_surrogates_are_replaced() -> None:
    async with connected_session(TestTime()) as (slack_receiver, events):
        frame = {"type": "message", "channel": "C1", "user": "U1", "ts": "1.2", "text": "half \ud83d, whole 😀"}
        slack_receiver.slack.raw_frame(json.dumps(frame))
        message = await event_of(events)

    assert isinstance(message, IncomingMessage)
    assert message.text == "half \ufffd, whole 😀"


async def test_the_time_that_slack_asks_to_wait_is_respected() -> None:
    clock = TestTime()
    async with SlackServer(classic=True) as slack, connect_receiver(slack, clock) as slack_receiver:
        slack.faults.plan("rtm.connect", faults.rate_limited(30))
        async with slack_receiver.receiver.events() as events:
            assert isinstance(await event_of(events), Disconnected)
            began = clock.elapsed
            assert await event_of(events) == Connected(None, replays_missed=False)
            assert 30 <= clock.elapsed - began < 31
