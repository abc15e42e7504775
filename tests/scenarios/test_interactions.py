"""Clicks, commands and reactions through the whole pack: each reaches Flyte once, and at once."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from entrypoints.simulation.flyte.faults import status
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.delivery.interaction import Interaction, InteractionState
from entrypoints.simulation.slack.models import JsonObject
from entrypoints.simulation.slack.server import SlackServer
from tests.support.daemon_process import daemon, daemon_environ
from tests.support.transports import Transport

_SECONDS = 60
"""More than a busy machine needs."""
APPROVAL: list[JsonObject] = [
    {
        "type": "actions",
        "block_id": "deployment",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "text": {"type": "plain_text", "text": "Approve"},
                "value": "1.2",
            }
        ],
    }
]
MODAL: JsonObject = {"type": "modal", "title": {"type": "plain_text", "text": "Deploy"}, "blocks": []}
OPENS_MODAL = flow_from_values(
    {
        "name": "modal",
        "steps": [
            {
                "event": {"packName": "Slack", "name": "ReceivedBlockAction"},
                "command": {
                    "packName": "Slack",
                    "name": "OpenModal",
                    "input": {"triggerId": "{{ Event.Payload.triggerId }}", "view": MODAL},
                },
            }
        ],
    },
    "modal",
)


@pytest.fixture
async def flyte() -> AsyncIterator[FlyteServer]:
    async with FlyteServer(flows=[OPENS_MODAL]) as server:
        yield server


@pytest.fixture(params=[Transport.SOCKET_MODE, Transport.HTTP], ids=lambda transport: transport.value)
def transport(request: pytest.FixtureRequest) -> Transport:
    return cast("Transport", request.param)


def names(flyte: FlyteServer) -> list[str]:
    return [event.name for event in flyte.events]


async def test_a_click_in_a_channel_that_was_never_joined_opens_a_modal(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice = slack.add_user("alice")
    channel = slack.add_channel("ops", members=[alice])
    async with daemon(daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack))) as pack:
        await transport.wait_until_receiving(slack, pack)
        message = slack.say(alice, channel, "Deploy 1.2?", blocks=APPROVAL)
        click = slack.click(alice, channel, message, "approve")
        await flyte.wait_for(lambda: len(flyte.results) == 1, _SECONDS)
        assert await pack.stop() == 0

    [result] = flyte.results.values()
    assert result.name == "ModalOpened"
    assert _is_acknowledged(click)
    [event] = flyte.events
    payload = cast("JsonObject", event.payload)
    assert (payload["value"], payload["message"], payload["channelId"]) == ("1.2", "Deploy 1.2?", channel)


async def test_a_command_reaches_flyte_once_through_outages_and_kills(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice = slack.add_user("alice")
    channel = slack.add_channel("ops", members=[alice])
    variables = daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack))
    async with daemon(variables) as pack:
        await transport.wait_until_receiving(slack, pack)
        flyte.faults.plan("event", status(401), times=None)
        command = slack.run_command(alice, channel, "/deploy", "1.2")
        await slack.wait_for(partial(_is_acknowledged, command), _SECONDS)
        await pack.wait_for_event("workflow_engine_out_of_reach")
        pack.process.kill()
        await pack.wait()
    flyte.faults.clear()
    async with daemon(variables) as pack:
        await flyte.wait_for(lambda: "ReceivedSlashCommand" in names(flyte), _SECONDS)
        assert await pack.stop() == 0

    assert names(flyte) == ["ReceivedSlashCommand"]


async def test_a_command_overtakes_five_hundred_waiting_messages(
    transport: Transport, slack: SlackServer, flyte: FlyteServer, tmp_path: Path
) -> None:
    alice = slack.add_user("alice")
    channels = [slack.add_channel(f"ops-{number}", members=[alice]) for number in range(50)]
    default = {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": ",".join(channels)}
    async with daemon(daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack), **default)) as pack:
        await transport.wait_until_receiving(slack, pack)
        await pack.wait_for_line(
            lambda line: line["event"] == "default_channel_joined" and line["channel"] == channels[-1]
        )
        flyte.faults.plan("event", status(401), times=None)
        for number in range(500):
            slack.say(alice, channels[number % 50], str(number))
        command = slack.run_command(alice, channels[0], "/deploy", "1.2")
        await slack.wait_for(partial(_is_acknowledged, command), _SECONDS)
        flyte.faults.clear()
        await flyte.wait_for(lambda: len(flyte.events) == 501, _SECONDS)
        assert await pack.stop() == 0

    assert names(flyte).index("ReceivedSlashCommand") < 100


@pytest.mark.parametrize("transport", Transport, ids=lambda transport: transport.value)
async def test_a_reaction_tells_the_text_that_it_is_about(
    transport: Transport, flyte: FlyteServer, tmp_path: Path
) -> None:
    async with SlackServer(classic=transport is Transport.RTM) as slack:
        alice = slack.add_user("alice")
        channel = slack.add_channel("ops", members=[alice])
        default = {"FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": channel}
        async with daemon(daemon_environ(slack, flyte, tmp_path, **transport.secrets(slack), **default)) as pack:
            await transport.wait_until_receiving(slack, pack)
            await pack.wait_for_event("default_channel_joined")
            message = slack.say(alice, channel, "the printer is on fire")
            root = slack.say(alice, channel, "what now?")
            reply = slack.say(alice, channel, "water helps", thread_ts=root)
            for number, ts in enumerate((message, reply), 1):  # one by one: signed requests can overtake one another
                slack.react(alice, channel, ts, "ticket")
                await flyte.wait_for(partial(_has_reactions, flyte, number), _SECONDS)
            assert await pack.stop() == 0

    payloads = [cast("JsonObject", event.payload) for event in flyte.events if event.name == "ReactionAdded"]
    assert [(each["message"], each["threadTimestamp"]) for each in payloads] == [
        ("the printer is on fire", message),
        ("water helps", root),
    ]


def _has_reactions(flyte: FlyteServer, number: int) -> bool:
    return names(flyte).count("ReactionAdded") == number


def _is_acknowledged(interaction: Interaction) -> bool:
    return interaction.state is InteractionState.ACKNOWLEDGED
