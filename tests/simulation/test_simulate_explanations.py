"""Explanations: what a message triggers, or why it triggers nothing."""

from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedAnswer
from tests.support.console import flow, open_console


async def test_a_command_for_an_unknown_pack_is_explained_and_not_awaited() -> None:
    lonely = flow("""
name: lonely
steps:
- event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Rota, name: WhoIsOnCall}
""")
    async with open_console(flows=[lonely], detail=Detail.ON) as console:
        output = await console.run("x")

    assert "command Rota WhoIsOnCall null  there is no pack Rota to take it (simulate --pack FILE)" in output


async def test_criteria_that_are_not_met_are_shown_with_their_values() -> None:
    async with open_console(detail=Detail.ON) as console:
        output = await console.run("hello")

    assert "flow    echo, step get_message does not run: the criteria are not met\n" in output
    assert 'Event.Payload.message = "hello"\n' in output


async def test_criteria_that_are_not_boolean_are_explained() -> None:
    odd = flow("""
name: odd
steps:
- event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message }}"
  command: {packName: Slack, name: Broadcast}
""")
    async with open_console(flows=[odd], detail=Detail.ON) as console:
        output = await console.run("maybe")

    assert "flow    odd can't run: criteria: renders to 'maybe', which is neither True nor False" in output


async def test_an_event_without_a_waiting_flow_is_explained() -> None:
    async with open_console(flows=[], detail=Detail.ON) as console:
        assert "event   Slack ReceivedMessage  no flow waits for it\n" in await console.run("hello")


async def test_an_answer_without_a_waiting_step_is_explained() -> None:
    deploying = flow("""
name: deploying
steps:
- id: deploy
  event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Deployer, name: Deploy}
- id: done
  dependsOn: [deploy]
  event: {packName: Deployer, name: DeployDone}
  command: {packName: Slack, name: Broadcast, input: {message: done}}
""")
    script = PackScript(name="Deployer", commands={"Deploy": (ScriptedAnswer(event="Deployed"),)})
    async with open_console(flows=[deploying], packs=[script], detail=Detail.ON) as console:
        output = await console.run("x")

    assert "Deployed null  no step waits for Deployer Deployed; step done waits for Deployer DeployDone\n" in output


async def test_a_failure_is_shown_with_its_error_and_long_values_are_truncated() -> None:
    async with open_console(detail=Detail.ON) as console:
        console.sandbox.flyte.queue_action("Slack", "SendMessage", {"channelId": "C0NONE", "message": "x" * 1000})
        output = await console.run("")

    assert f'command Slack SendMessage {{"channelId": "C0NONE", "message": "{"x" * 99}...}}\n' in output
    assert 'answer  Slack SendMessageFailed {"threadTimestamp": "", "error": "channel_not_found: ' in output


async def test_full_detail_shows_payloads_criteria_and_contexts() -> None:
    async with open_console() as console:
        output = await console.run("/explain full", "echo hi")

    assert 'event   Slack ReceivedMessage {"channelId": "C' in output
    assert 'runs\n            {{ Event.Payload.message | match: "^echo\\\\s+" }}\n' in output
    assert 'Context.Msg = "hi"\n' in output
