"""Flows that were written for earlier packs run unchanged, between both servers."""

import json
from pathlib import Path
from typing import Any, cast

from entrypoints.simulation.flyte.flow_loader import BUILT_IN, flow_from_file, flow_from_values
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ

TICKET = flow_from_values(
    {
        "name": "create_ticket",
        "steps": [
            {
                "id": "reaction_added",
                "event": {"packName": "Slack", "name": "ReactionAdded"},
                "context": {
                    "Author": "{{ Event.Payload.itemUser.id }}",
                    "Link": "{{ Event.Payload.item.channel }}/{{ Event.Payload.item.timestamp }}",
                },
                "criteria": "{{ Event.Payload.reaction == 'create-a-ticket' && Event.Payload.item.type == 'message' }}",
                "command": {"packName": "Slack", "name": "GetChannelInfo", "input": {"channelName": "tickets"}},
            },
            {
                "id": "channel_found",
                "dependsOn": ["reaction_added"],
                "event": {"packName": "Slack", "name": "GetChannelInfoSuccess"},
                "command": {
                    "packName": "Slack",
                    "name": "SendMessage",
                    "input": {
                        "channelId": "{{ Event.Payload.conversation.id }}",
                        "message": "{{ Context.Author }} {{ Context.Link }} {{ Event.Payload.conversation.topic }}",
                    },
                },
            },
        ],
    },
    "create_ticket",
)
"""A flow for the pack of 2022."""


def environ(slack: SlackServer, flyte: FlyteServer, directory: Path, **more: str) -> dict[str, str]:
    return daemon_environ(slack, flyte, directory, FLYTE_SLACK_APP_TOKEN=slack.app_token, **more)


async def test_the_two_flows_of_the_first_pack_run_unchanged(slack: SlackServer, tmp_path: Path) -> None:
    alice = slack.add_user("alice")
    channel = slack.add_channel("ops", channel_id="ABCDEFG", members=[slack.bot_user_id, alice])
    flows = [flow_from_file(BUILT_IN / f"{name}.yaml") for name in ("echo", "announce_deployments")]
    async with FlyteServer(flows=flows) as flyte:
        joined = {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel}
        async with daemon(environ(slack, flyte, tmp_path, **joined)) as pack:
            await pack.wait_for_event("hearing")
            await pack.wait_for_event("default_channel_joined")
            slack.say(alice, channel, "echo hello world")
            flyte.raise_event("MyContinuousDeploymentToolPack", "DeploymentSucceeded")
            await flyte.wait_for(lambda: len(flyte.results) == 2, 10)
            assert await pack.stop() == 0

    echo, deployment = sorted(slack.posts, key=lambda post: post.text, reverse=True)
    assert echo.text == f"<@{alice}>, you said:\n>>> hello world"
    assert deployment.arguments["attachments"][0]["title"] == "Deployment Update"
    assert {result.name for result in flyte.results.values()} == {"MessageSent", "RichMessageSent"}


async def test_a_flow_of_the_pack_of_2022_finds_a_channel_for_a_reaction(slack: SlackServer, tmp_path: Path) -> None:
    alice, robert = slack.add_user("alice"), slack.add_user("robert")
    general = slack.add_channel("ops", members=[slack.bot_user_id, alice, robert])
    tickets = slack.add_channel("tickets", members=[slack.bot_user_id])
    async with (
        FlyteServer(flows=[TICKET]) as flyte,
        daemon(environ(slack, flyte, tmp_path, FLYTE_SLACK_LISTEN="member")) as pack,
    ):
        await pack.wait_for_event("hearing")
        ts = slack.say(robert, general, "the printer is on fire")
        slack.react(alice, general, ts, "create-a-ticket")
        await slack.wait_for(lambda: len(slack.posts) == 1, 10)
        assert await pack.stop() == 0

    assert slack.posts[0].channel == tickets
    assert slack.posts[0].text == f"{robert} {general}/{ts} "
    [reaction] = [event for event in flyte.events if event.name == "ReactionAdded"]
    payload = cast("dict[str, Any]", reaction.payload)
    assert {"type", "user", "itemUser", "item", "reaction", "eventTimestamp"} <= set(payload)
    assert list(payload["itemUser"]) == ["id", "name", "email", "title", "firstName", "lastName"]
    assert payload["item"] == {"type": "message", "timestamp": ts, "channel": general}


UNKNOWN = "the bot can't see the channel C404; check the id, and /invite the bot if the channel is private"
PAYLOADS = (
    ("SendMessage", '{"channelId": "C1", "message": "a"}'),
    ("MessageSent", '{"message": "a", "channelId": "C1", "threadTimestamp": "", "timestamp": "TS"}'),
    ("SendMessage", '{"channelId": "C404", "message": "a", "threadTimestamp": "1.5"}'),
    (
        "SendMessageFailed",
        '{"message": "a", "channelId": "C404", "threadTimestamp": "1.5", "error": "channel_not_found: UNKNOWN"}',
    ),
    ("SendRichMessage", '{"channel": "C1", "text": "a", "unknown": [1]}'),
    (
        "RichMessageSent",
        '{"channel": "C1", "text": "a", "unknown": [1], "channelId": "C1", "threadTimestamp": "TS", "timestamp": "TS"}',
    ),
    ("SendRichMessage", '{"channel": "C1"}'),
    (
        "SendRichMessageFailed",
        '{"inputMessage": {"channel": "C1"}, "error": "missing text, attachments, blocks or markdown_text field"}',
    ),
    ("Broadcast", '{"message": "a"}'),
    ("BroadcastSent", '{"message": "a", "channelIds": []}'),
    ("Broadcast", "{}"),
    ("BroadcastFailed", '{"message": "", "channelIds": [], "error": "missing message field", "failures": []}'),
    ("JoinChannel", '{"channelId": "C2"}'),
    ("ChannelJoined", '{"channelId": "C2"}'),
    ("JoinChannel", "{}"),
    ("JoinChannelFailed", '{"channelId": "", "error": "missing channel id field"}'),
    ("LeaveChannel", '{"channelId": "C2"}'),
    ("ChannelLeft", '{"channelId": "C2"}'),
    ("LeaveChannel", "{}"),
    ("LeaveChannelFailed", '{"channelId": "", "error": "missing channel id field"}'),
)
"""Commands with their inputs, each followed by its event with its payload."""


async def test_the_payloads_of_the_first_five_commands_are_what_they_were(slack: SlackServer, tmp_path: Path) -> None:
    slack.add_channel("ops", channel_id="C1", members=[slack.bot_user_id])
    slack.add_channel("new", channel_id="C2", members=[slack.add_user("alice")])
    outcomes = []
    async with FlyteServer() as flyte, daemon(environ(slack, flyte, tmp_path)) as pack:
        await pack.wait_for_event("hearing")
        for command, given in PAYLOADS[::2]:
            action = flyte.queue_action("Slack", command, json.loads(given))
            await flyte.wait_for(lambda action=action: action in flyte.results, 10)  # type: ignore[misc]
            payload = json.dumps(flyte.results[action].payload).replace(UNKNOWN, "UNKNOWN")
            posted = slack.posts[-1].ts if slack.posts else "none"
            outcomes.append((flyte.results[action].name, payload.replace(posted, "TS")))
        assert await pack.stop() == 0

    assert outcomes == list(PAYLOADS[1::2])
