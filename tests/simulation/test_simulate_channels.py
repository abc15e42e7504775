"""The channels of a simulation, and their ids."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from entrypoints.cli.commands import main
from entrypoints.exit_status import ExitStatus
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.workspaces.channels import (
    DEFAULT_CHANNELS,
    ChannelSetup,
    parse_channel,
    with_defaults,
)
from tests.flow_tests.running import ECHO, run_steps
from tests.support.console import flow, open_console
from tests.support.simulated import simulate


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("#ops=C024BE91L", ChannelSetup("#ops", "C024BE91L")),
        ("ops=C024BE91L", ChannelSetup("#ops", "C024BE91L")),
        ("#sales", ChannelSetup("#sales")),
        ("sales-2.eu_x", ChannelSetup("#sales-2.eu_x")),
    ],
)
def test_a_channel_is_written_with_or_without_its_id(text: str, channel: ChannelSetup) -> None:
    assert parse_channel(text) == channel


@pytest.mark.parametrize("text", ["", "#", "#ops=", "=C1", "#a b", "#ops=C1,C2", "@alice"])
def test_anything_else_is_no_channel(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no channel; write '#ops', or with its id '#ops=C024BE91L'"):
        parse_channel(text)


def test_given_channels_follow_the_default_ones_whose_ids_they_may_change() -> None:
    channels = with_defaults([ChannelSetup("#ops", "C1"), ChannelSetup("#board", "C2"), ChannelSetup("#sales")])

    assert channels == [
        ChannelSetup("#general"),
        ChannelSetup("#ops", "C1"),
        ChannelSetup("#deployments"),
        ChannelSetup("#board", "C2", is_joined=False, is_private=True),
        ChannelSetup("#sales"),
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["#a=C1", "#b=C1"], "--channel: #a and #b have the same id C1\n"),
        (["#new=ABCDEFG"], "--channel: #deployments and #new have the same id ABCDEFG\n"),
        (["#a=C1", "#a=C2"], "--channel: #a has two ids, C1 and C2; keep one\n"),
        (["#a b"], "--channel: '#a b' is no channel; write '#ops', or with its id '#ops=C024BE91L'\n"),
    ],
)
def test_impossible_channels_are_refused(given: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["simulate", *(f"--channel={channel}" for channel in given)])

    assert (result.exit_code, result.stderr) == (ExitStatus.INVALID_SETTINGS, message)


@pytest.mark.parametrize("ends", [(), ("--in-memory",)], ids=["loopback", "in memory"])
def test_the_pack_is_in_the_channels_of_the_command_line(tmp_path: Path, ends: tuple[str, ...]) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(
        "name: forward\nsteps:\n- event: {packName: Slack, name: ReceivedMessage}\n"
        "  command: {packName: Slack, name: SendMessage, input: {channelId: C024BE91L, message: heard}}\n"
    )

    done = simulate("/in #sales\nhi\n", "--channel", "#ops=C024BE91L", "--channel", "#sales", "--flow", path, *ends)

    assert (done.stdout, done.stderr) == ("#sales alice: hi\n#ops flyte: heard\n", "")


async def id_in_a_simulation(label: str) -> str:
    async with open_console(channels=[*DEFAULT_CHANNELS, ChannelSetup("#sales")]) as console:
        return console.session.workspace.conversation(label, "").id


@pytest.mark.parametrize("label", ["#general", "#ops", "#deployments", "#board", "#sales"])
def test_a_channel_has_the_same_id_in_simulations_and_flow_tests(label: str, tmp_path: Path) -> None:
    channel_id = asyncio.run(id_in_a_simulation(label))
    to_id = ECHO.replace('"{{ Event.Payload.channelId }}"', channel_id)
    steps = f'- {{say: echo hi, in: "#a"}}\n- expect: {{message: hi, in: "{label}"}}'

    assert run_steps(tmp_path, steps, flow=to_id, head=f'channels: ["#a", "{label}"]\n').failure is None


async def test_a_channel_that_is_created_later_has_the_id_of_its_name() -> None:
    creating = flow("""
name: create
steps:
- event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Slack, name: CallSlack, input: {method: conversations.create, arguments: {name: sales}}}
""")
    async with open_console(flows=[creating]) as console:
        await console.run("create it", "/in #sales")

        assert console.session.conversation.id == await id_in_a_simulation("#sales")


def test_a_name_that_is_free_again_gets_another_id() -> None:
    slack = SlackServer()
    first = slack.add_channel("ops")
    slack.rename("ops", "old-ops")

    assert slack.add_channel("ops") not in ("", first)
