"""The settings of the pack in a simulation come from its environment."""

import pytest

from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.pack_settings import APPLICABLE_VARIABLES, applicable
from tests.support.console import flow, open_console
from tests.support.simulated import simulate

BOTH = pytest.mark.parametrize("where", ["loopback", "memory"])
WELCOME = flow("""
name: welcome
steps:
- event: {packName: Slack, name: ReceivedSlackEvent}
  command: {packName: Slack, name: Broadcast, input: {message: "a {{ Event.Payload.type }}"}}
""")


@BOTH
async def test_the_answer_to_slash_commands_is_that_of_the_setting(where: str) -> None:
    async with open_console(where, settings={"FLYTE_SLACK_COMMAND_REPLY": "at your service"}) as console:
        assert await console.run("/slash /deploy shop") == "#general (only alice sees it) flyte: at your service\n"


@BOTH
async def test_events_that_the_setting_names_are_received(where: str) -> None:
    async with open_console(where, flows=[WELCOME], settings={"FLYTE_SLACK_EVENTS": "channel_rename"}) as console:
        console.session.slack.rename("ops", "operations")

        assert "#general flyte: a channel_rename\n" in await console.run("")


@BOTH
async def test_edits_are_received_unless_the_setting_says_otherwise(where: str) -> None:
    settings = {"FLYTE_SLACK_RECEIVE_EDITS": "false"}
    async with open_console(where, detail=Detail.ON, settings=settings) as console:
        assert "ReceivedEdit" not in await console.run("hello", "/edit bye")


@BOTH
async def test_the_pack_has_the_name_of_the_setting(where: str) -> None:
    greet = flow("""
name: greet
steps:
- event: {packName: Chat, name: ReceivedMessage}
  command:
    packName: Chat
    name: SendMessage
    input: {channelId: "{{ Event.Payload.channelId }}", message: hello}
""")
    async with open_console(where, flows=[greet], detail=Detail.ON, settings={"PACK_NAME": "Chat"}) as console:
        output = await console.run("hi")

        assert "    event   Chat ReceivedMessage\n" in output
        assert "    answer  Chat MessageSent {" in output
        assert "no step waits" not in output


def test_variables_that_are_empty_or_of_the_surroundings_do_not_apply() -> None:
    given = {"FLYTE_SLACK_LISTEN": "member", "FLYTE_SLACK_EVENTS": " ", "FLYTE_SLACK_TOKEN": "xoxb-1"}

    assert applicable(given) == {"FLYTE_SLACK_LISTEN": "member"}
    assert "FLYTE_SLACK_TOKEN" not in APPLICABLE_VARIABLES


def test_the_environment_of_the_command_applies() -> None:
    done = simulate("/slash /deploy\n", "--in-memory", environment={"FLYTE_SLACK_COMMAND_REPLY": "at your service"})

    assert (done.stdout, done.stderr) == ("#general (only alice sees it) flyte: at your service\n", "")


def test_an_invalid_variable_is_refused() -> None:
    done = simulate("hi\n", "--in-memory", environment={"FLYTE_SLACK_LISTEN": "everything"})

    assert done.returncode == 2
    assert done.stderr.startswith("FLYTE_SLACK_LISTEN: ")
