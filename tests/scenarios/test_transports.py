"""What holds however the pack receives events from Slack."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ, fresh_daemon
from tests.support.transports import Transport


@pytest.fixture(params=Transport, ids=lambda transport: transport.value)
def transport(request: pytest.FixtureRequest) -> Transport:
    return cast("Transport", request.param)


@pytest.fixture
async def slack(transport: Transport) -> AsyncIterator[SlackServer]:
    async with SlackServer(classic=transport is Transport.RTM) as server:
        yield server


async def test_a_flow_echoes_a_message_in_the_default_channel(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops")
    default = {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel}
    async with fresh_daemon(daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack), **default)) as pack:
        await transport.wait_until_receiving(slack, pack)
        await pack.wait_for_event("default_channel_joined")
        slack.say(alice, channel, "echo hello world")
        await slack.wait_for(lambda: len(slack.posts) == 1, 5)
        await flyte.wait_for(lambda: len(flyte.results) == 1, 5)
        assert await pack.stop() == 0

    assert slack.posts[0].text == f"<@{alice}>, you said:\n>>> hello world"
    [result] = flyte.results.values()
    assert result.name == "MessageSent"
    assert result.payload == {
        "channelId": channel,
        "message": slack.posts[0].text,
        "threadTimestamp": "",
        "timestamp": slack.posts[0].ts,
    }


async def test_joined_channels_survive_a_restart(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops")
    variables = daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack))
    async with daemon(variables) as pack:
        await pack.wait_for_event("hearing")
        flyte.queue_action("Slack", "JoinChannel", {"channelId": channel})
        await flyte.wait_for(lambda: len(flyte.results) == 1, 5)
        assert await pack.stop(signal.SIGINT) == 0
    async with daemon(variables) as pack:
        await transport.wait_until_receiving(slack, pack)
        slack.say(alice, channel, "echo again")
        await slack.wait_for(lambda: len(slack.posts) == 1, 5)
        assert await pack.stop() == 0


async def test_messages_posted_while_flyte_is_down_reach_it_afterwards(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice, channel = slack.add_user("alice"), slack.add_channel("ops")
    default = {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel}
    async with daemon(daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack), **default)) as pack:
        await transport.wait_until_receiving(slack, pack)
        await pack.wait_for_event("default_channel_joined")
        await flyte.go_down()
        texts = [f"message {number}" for number in range(10)]
        for text in texts:
            slack.say(alice, channel, text)
            # Requests under way at once have no order.
            await slack.wait_for(lambda: not any(alice in str(each.body) for each in slack.unacknowledged.values()), 10)
        await pack.wait_for_event("workflow_engine_out_of_reach")
        await flyte.come_up()
        await flyte.wait_for(lambda: len(flyte.events) == 10, 15)
        assert [cast("dict[str, str]", event.payload)["message"] for event in flyte.events] == texts
        assert await pack.stop() == 0
