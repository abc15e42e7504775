"""Which of Slack's messages become events, whichever way they arrive."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ
from tests.support.transports import Transport

OLD = "1355517523.000005"


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    async with FlyteServer() as server:
        yield server


@pytest.fixture(params=Transport, ids=lambda transport: transport.value)
def transport(request: pytest.FixtureRequest) -> Transport:
    return cast("Transport", request.param)


@pytest.fixture
async def slack(transport: Transport) -> AsyncIterator[SlackServer]:
    async with SlackServer(classic=transport is Transport.RTM) as server:
        yield server


def texts(flyte: FlyteServer) -> list[str]:
    """The texts of the messages that Flyte has received."""
    return [cast("dict[str, str]", event.payload)["message"] for event in flyte.events]


def unheard(alice: str, bot: str) -> list[JsonObject]:
    """Messages of programs, edits and other changes."""
    return [
        {"user": "USLACKBOT", "text": "by Slackbot"},
        {"subtype": "bot_message", "username": "pager", "text": "by a bot without an id"},
        {"app_id": "A1", "bot_profile": {"id": "B1", "name": "Pager"}, "text": "by an app"},
        {"user": bot, "bot_id": "B1", "bot_profile": {"id": "B1"}, "text": "by a bot with a user"},
        {"type": "app_mention", "user": alice, "text": "edited", "edited": {"user": alice, "ts": OLD}, "ts": OLD},
        {"message": {"user": alice, "text": "parent", "ts": OLD, "reply_count": 1}, "thread_ts": OLD},
        {"hidden": True, "user": alice, "text": "hidden"},
        {"user": alice},
    ]


async def test_people_are_heard_and_bots_and_changes_are_not(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice = slack.add_user("alice")
    bot = slack.add_user("deployer", bot_id="B1")
    channel = slack.add_channel("ops", members=[alice])
    default = {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel}
    async with daemon(daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack), **default)) as pack:
        await transport.wait_until_receiving(slack, pack)
        await pack.wait_for_event("default_channel_joined")
        for number, event in enumerate(unheard(alice, bot)):
            slack.raw_event({"type": "message", "channel": channel, "ts": f"1355517600.{number:06}", **event})
        slack.say(alice, channel, "through an app", bot_id="B1", app_id="A1")
        slack.say(alice, channel, "herself")
        await flyte.wait_for(lambda: "herself" in texts(flyte))
        assert await pack.stop() == 0

    assert texts(flyte) == ["through an app", "herself"]


async def test_a_late_invitation_does_not_put_the_pack_back_into_a_channel_that_it_left(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    channel = slack.add_channel("ops")
    async with daemon(daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack))) as pack:
        await transport.wait_until_receiving(slack, pack)
        for number, command in enumerate(("JoinChannel", "LeaveChannel"), 1):
            flyte.queue_action("Slack", command, {"channelId": channel})
            await flyte.wait_for(partial(_has_results, flyte, number))
        slack.raw_event({"type": "member_joined_channel", "user": slack.bot_user_id, "channel": channel})
        await pack.wait_for_event("old_invitation_ignored")
        flyte.queue_action("Slack", "Broadcast", {"message": "hello"})
        await flyte.wait_for(lambda: len(flyte.results) == 3)
        assert await pack.stop() == 0

    assert [result.name for result in flyte.results.values()] == ["ChannelJoined", "ChannelLeft", "BroadcastSent"]


async def test_a_removal_that_no_event_reported_shows_after_reconnecting_or_posting(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    channel = slack.add_channel("ops")
    async with daemon(daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack))) as pack:
        await transport.wait_until_receiving(slack, pack)
        flyte.queue_action("Slack", "JoinChannel", {"channelId": channel})
        await flyte.wait_for(lambda: len(flyte.results) == 1)
        del slack.workspace.channels[channel].members[slack.bot_user_id]
        if transport is Transport.HTTP:
            flyte.queue_action("Slack", "SendMessage", {"channelId": channel, "message": "hello"})
        else:
            slack.drop_sockets()
        left = ("channel_left", "channel_left_while_away")  # the history or the list may tell first
        assert (await pack.wait_for_line(lambda line: line["event"] in left))["channel"] == channel
        assert await pack.stop() == 0

    assert (tmp_path / "state" / "channels.json").read_text() == "[]"


@pytest.mark.parametrize("transport", [Transport.SOCKET_MODE, Transport.HTTP], indirect=True)
async def test_events_of_another_workspace_of_the_app_are_ignored(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    message: JsonObject = {"type": "message", "channel_type": "im", "user": "U7", "channel": "D7"}
    body: JsonObject = {"type": "event_callback", "team_id": "T7", "authorizations": [{"team_id": "T7"}]}
    async with daemon(daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack))) as pack:
        await transport.wait_until_receiving(slack, pack)
        slack.raw_body(body | {"event": message | {"ts": "1355517600.000001", "text": "from elsewhere"}})
        shared = body | {"is_ext_shared_channel": True}
        slack.raw_body(shared | {"event": message | {"ts": "1355517600.000002", "text": "shared"}})
        await flyte.wait_for(lambda: "shared" in texts(flyte))
        assert (await pack.wait_for_event("other_workspace_ignored"))["team"] == "T7"
        assert await pack.stop() == 0

    assert texts(flyte) == ["shared"]


def _has_results(flyte: FlyteServer, count: int) -> bool:
    return len(flyte.results) == count
