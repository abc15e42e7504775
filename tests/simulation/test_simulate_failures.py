"""What flows could not do, told to those who read no explanations."""

from collections.abc import Sequence

import pytest

from entrypoints.simulation.flyte.flow_loader import Flow
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedAnswer
from tests.simulation.test_simulate_conversation import REPLY
from tests.support.console import ECHO, flow, open_console

NO_BOOLEAN = flow("""
name: odd
steps:
- id: asked
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message }}"
  command: {packName: Slack, name: Broadcast}
""")
TO_NOWHERE = """
name: lost
steps:
- id: told
  event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Slack, name: SendMessage, input: {channelId: C0NONE, message: hi}}
"""
HANDLED = """
- id: failed
  dependsOn: [told]
  event: {packName: Slack, name: SendMessageFailed}
  command: {packName: Slack, name: Broadcast, input: {message: sorry}}
"""
DEPLOYING = flow("""
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
NOTING = flow("""
name: noting
steps:
- event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Deployer, name: Deploy}
""")


def deployer(answer: str, **labels: str) -> PackScript:
    return PackScript(name="Deployer", labels=labels, commands={"Deploy": (ScriptedAnswer(event=answer),)})


async def failures_of(flow_: Flow, *packs: PackScript, lines: Sequence[str] = ("hi",)) -> list[str]:
    """Returns what goes wrong when these lines are typed."""
    async with open_console(flows=[flow_], packs=packs) as console:
        await console.run(*lines)
        return console.session.failures.take()


@pytest.mark.parametrize("flow_", [ECHO, REPLY])
async def test_a_flow_that_answers_or_has_nothing_to_answer_has_not_failed(flow_: Flow) -> None:
    assert await failures_of(flow_) == []


async def test_a_step_whose_template_fails_is_told_once() -> None:
    reason = "flow odd, step asked cannot run: criteria: renders to 'hi', which is neither True nor False"

    assert await failures_of(NO_BOOLEAN, lines=["hi", "hi"]) == [reason]


async def test_a_failed_command_is_told() -> None:
    (reason,) = await failures_of(flow(TO_NOWHERE))

    assert reason.startswith("flow lost, step told: SendMessage ends in SendMessageFailed: channel_not_found: ")


async def test_a_failed_command_that_a_step_handles_is_no_failure_of_the_flow() -> None:
    assert await failures_of(flow(TO_NOWHERE + HANDLED)) == []


async def test_a_failed_command_whose_step_does_not_run_is_told() -> None:
    handled_elsewhere = HANDLED.replace("  command:", "  criteria: 'false'\n  command:")

    assert len(await failures_of(flow(TO_NOWHERE + handled_elsewhere))) == 1


async def test_an_answer_that_no_step_waits_for_is_told() -> None:
    assert await failures_of(DEPLOYING, deployer("Deployed")) == [
        "flow deploying, step deploy: no step waits for Deployer Deployed; step done waits for Deployer DeployDone"
    ]


async def test_an_answer_is_no_failure_if_the_flow_waits_for_none() -> None:
    assert await failures_of(NOTING, deployer("Deployed")) == []


async def test_a_failure_of_another_pack_is_told_even_if_the_flow_waits_for_no_answer() -> None:
    assert await failures_of(NOTING, deployer("DeployFailed")) == [
        "flow noting: Deploy ends in DeployFailed; no step waits for Deployer DeployFailed"
    ]


async def test_a_command_for_an_unknown_pack_is_told() -> None:
    assert await failures_of(NOTING) == ["flow noting: there is no pack Deployer to take Deploy (simulate --pack FILE)"]


async def test_a_command_for_a_pack_with_other_labels_is_told() -> None:
    labelled = flow("""
name: noting
steps:
- event: {packName: Slack, name: ReceivedMessage}
  command: {packName: Deployer, name: Deploy, packLabels: {env: prod}}
""")

    assert await failures_of(labelled, deployer("Deployed", env="staging")) == [
        "flow noting: there is no pack Deployer with the labels {'env': 'prod'} to take Deploy"
    ]
