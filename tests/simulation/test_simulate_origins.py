"""Answers that come later tell to which message they belong."""

from entrypoints.simulation.console.formatter import Detail
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedAnswer
from tests.support.console import ConsoleDriver, flow, open_console

DEPLOYING = flow("""
name: deploying
steps:
- id: deploy
  event: {packName: Slack, name: ReceivedMessage}
  context: {Channel: '{{ Event.Payload.channelId }}'}
  criteria: '{{ Event.Payload.message|match:"^deploy " }}'
  command: {packName: Deployer, name: Deploy}
- id: done
  dependsOn: [deploy]
  event: {packName: Deployer, name: Deployed}
  command: {packName: Slack, name: SendMessage, input: {channelId: '{{ Context.Channel }}', message: it is live}}
""")
SLOW = PackScript(name="Deployer", commands={"Deploy": (ScriptedAnswer(event="Deployed", after_seconds=0.3),)})


async def output_of(console: ConsoleDriver, *texts: str) -> str:
    """Returns the output of messages that follow each other at once."""
    for text in texts:
        await console.session.say(text)
    return await console.run("")


async def test_what_happens_for_an_earlier_message_is_told_with_its_number() -> None:
    async with open_console(flows=[DEPLOYING], packs=[SLOW], detail=Detail.ON) as console:
        output = await output_of(console, "deploy shop", "hello")

    assert "    flow    deploying, step deploy runs  (for [1])\n" in output
    assert "    answer  Deployer Deployed null  (for [1])\n" in output
    assert "    flow    deploying, step deploy does not run: the criteria are not met\n" in output


async def test_a_message_of_the_bot_has_the_number_of_the_message_that_it_answers() -> None:
    async with open_console("loopback", flows=[DEPLOYING], packs=[SLOW], detail=Detail.ON, page_port=0) as console:
        output = await output_of(console, "deploy shop", "deploy till")

    assert "[3] #general (for [1]) flyte: it is live\n" in output
    assert "[4] #general flyte: it is live\n" in output


async def test_without_explanations_it_quotes_the_message() -> None:
    async with open_console("loopback", flows=[DEPLOYING], packs=[SLOW], page_port=0) as console:
        output = await output_of(console, "deploy " + "shop " * 20, "hello")

    assert '#general (for "deploy shop shop shop shop shop [...]") flyte: it is live\n' in output


async def test_what_follows_at_once_is_not_numbered() -> None:
    async with open_console(flows=[DEPLOYING], packs=[SLOW], detail=Detail.ON) as console:
        assert "(for [" not in await console.run("deploy shop", "hello")
