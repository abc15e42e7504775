"""What came of a message: whether the person was answered, and whether anything failed that no step handled."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.flow_loader import flow_from_text
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedAnswer
from entrypoints.simulation.sandbox import SandboxConfig, loopback_sandbox
from tests.simulation.web.conftest import PageClient

_PACK = PackScript(
    name="Deployer",
    commands={
        "Deploy": (ScriptedAnswer(event="Deployed"),),
        "Refuse": (ScriptedAnswer(event="DeployFailed", payload={"error": "no release"}),),
    },
)
_START = """
name: deploy
steps:
- id: start
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'deploy' }}"
  context: {Channel: "{{ Event.Payload.channelId }}"}
  command: {packName: Deployer, name: COMMAND, input: {app: shop}}
"""
_TELL = """
- id: tell
  dependsOn: [start]
  event: {packName: Deployer, name: EVENT}
  command: {packName: Slack, name: SendMessage, input: {channelId: "{{ Context.Channel }}", message: "told"}}
"""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with loopback_sandbox(SandboxConfig(packs=[_PACK], page_port=0)) as sandbox:
        yield sandbox


def flow(command: str, *steps: str) -> str:
    return "".join((_START.replace("COMMAND", command), *steps))


def tell(event: str) -> str:
    return _TELL.replace("EVENT", event)


async def settled_trace(page: PageClient, sandbox: Sandbox, text: str) -> dict[str, Any]:
    """Returns the trace of a message to this flow once everything has settled."""
    sandbox.flyte.add_flow(flow_from_text(text, "test", is_json=False))
    key = await page.say("deploy")
    assert await sandbox.settle(10) == ""
    later = await page.say("thanks")  # once the feed shows it, it shows everything before it
    state = await page.wait_for(lambda state: f"trace/{later}" in state)
    return dict(state[f"trace/{key}"])


async def summary(page: PageClient) -> dict[str, Any]:
    return dict(await page.wait_for_key("summary"))


async def test_a_message_is_answered_once_the_bot_shows_something(page: PageClient, sandbox: Sandbox) -> None:
    trace = await settled_trace(page, sandbox, flow("Deploy", tell("Deployed")))

    (posted,) = [step for step in trace["steps"] if step["kind"] == "reply_posted"]
    assert (trace["outcome"]["kind"], trace["outcome"]["reason"]) == ("answered", "")
    assert posted["ms"] <= trace["outcome"]["ms"] <= trace["last_ms"]
    assert (await summary(page))["not_answered"] == 0


async def test_a_message_is_not_answered_if_no_step_waits_for_the_answer_of_the_pack(
    page: PageClient, sandbox: Sandbox
) -> None:
    trace = await settled_trace(page, sandbox, flow("Deploy", tell("DeployDone")))

    assert trace["outcome"]["kind"] == "not_answered"
    assert trace["outcome"]["reason"] == (
        "no step waits for Deployer Deployed; step tell waits for Deployer DeployDone"
    )
    counted = await summary(page)
    assert (counted["not_answered"], counted["succeeded"], counted["failed"]) == (1, 1, 0)


async def test_a_step_of_another_flow_that_cannot_run_does_not_answer(page: PageClient, sandbox: Sandbox) -> None:
    other = flow("Deploy", tell("Deployed")).replace("name: deploy", "name: other").replace("'deploy'", "'other'")
    sandbox.flyte.add_flow(flow_from_text(other, "test", is_json=False))

    trace = await settled_trace(page, sandbox, flow("Deploy"))

    assert trace["outcome"]["reason"] == "no step waits for Deployer Deployed"


async def test_a_message_is_not_answered_if_the_step_that_waits_does_not_run(
    page: PageClient, sandbox: Sandbox
) -> None:
    never = tell("Deployed") + "  criteria: \"{{ Event.Payload.app == 'none' }}\"\n"

    trace = await settled_trace(page, sandbox, flow("Deploy", never))

    assert trace["outcome"]["kind"] == "not_answered"
    assert trace["outcome"]["reason"] == "flow deploy, step tell: the criteria are not met"


async def test_looking_something_up_is_no_answer(page: PageClient, sandbox: Sandbox) -> None:
    look = _START.replace("Deployer, name: COMMAND, input: {app: shop}", "Slack, name: GetUserInfo, input: {userId: U}")
    look = look.replace("userId: U", 'userId: "{{ Event.Payload.user.id }}"')

    trace = await settled_trace(page, sandbox, look)

    assert trace["outcome"]["kind"] == "not_answered"
    assert trace["outcome"]["reason"] == "no step waits for Slack UserInfoRetrieved"


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        ([tell("DeployDone")], "no step waits for Deployer Deployed; step tell waits for Deployer DeployDone"),
        ([], ""),
    ],
)
async def test_a_flow_that_waits_for_another_answer_says_so_although_the_bot_has_shown_something(
    page: PageClient, sandbox: Sandbox, waiting: list[str], reason: str
) -> None:
    greet = tell("X").replace("dependsOn: [start]", "").replace("Deployer, name: X", "Slack, name: ReceivedMessage")
    greet = greet.replace("id: tell", "id: greet").replace("{{ Context.Channel }}", "{{ Event.Payload.channelId }}")

    trace = await settled_trace(page, sandbox, flow("Deploy", greet, *waiting))

    assert (trace["outcome"]["kind"], trace["outcome"]["reason"]) == ("answered", reason)


async def test_an_action_that_no_pack_can_take_says_so(page: PageClient, sandbox: Sandbox) -> None:
    away = flow("Deploy").replace("Deployer", "Absent")
    sandbox.flyte.add_flow(flow_from_text(away, "test", is_json=False))

    trace = await page.wait_for_trace(await page.say("deploy"), lambda trace: trace["pending_actions"])

    assert trace["outcome"]["kind"] == "pending"
    assert trace["outcome"]["reason"] == "there is no pack Absent to take it"


async def test_a_failure_that_a_step_handles_is_no_failure(page: PageClient, sandbox: Sandbox) -> None:
    trace = await settled_trace(page, sandbox, flow("Refuse", tell("DeployFailed")))

    (failed,) = [step for step in trace["steps"] if step.get("event") == "DeployFailed" and "payload" in step]
    assert (trace["outcome"]["kind"], trace["failed_actions"]) == ("answered", 0)
    assert (failed["succeeded"], failed["handled_by"]) == (False, "flow deploy, step tell")
    counted = await summary(page)
    assert (counted["failed"], counted["handled"], counted["succeeded"]) == (0, 1, 1)


async def test_a_failure_that_no_step_handles_is_one(page: PageClient, sandbox: Sandbox) -> None:
    trace = await settled_trace(page, sandbox, flow("Refuse", tell("Deployed")))

    assert trace["outcome"]["kind"] == "failed"
    assert trace["outcome"]["reason"] == "Refuse ends in DeployFailed: no release"
    assert trace["failed_actions"] == 1
    counted = await summary(page)
    assert (counted["failed"], counted["handled"], counted["not_answered"]) == (1, 0, 0)


async def test_a_failure_for_which_the_waiting_step_does_not_run_is_one(page: PageClient, sandbox: Sandbox) -> None:
    never = tell("DeployFailed") + "  criteria: \"{{ Event.Payload.app == 'none' }}\"\n"

    trace = await settled_trace(page, sandbox, flow("Refuse", never))

    assert trace["outcome"]["kind"] == "failed"


async def test_a_failure_of_the_handling_step_itself_is_one(page: PageClient, sandbox: Sandbox) -> None:
    lost = tell("DeployFailed").replace("{{ Context.Channel }}", "C0NOWHERE")

    trace = await settled_trace(page, sandbox, flow("Refuse", lost))

    assert trace["outcome"]["kind"] == "failed"
    assert trace["outcome"]["reason"].startswith("SendMessage ends in SendMessageFailed: channel_not_found")


async def test_a_step_may_handle_that_a_pack_does_not_know_the_command(page: PageClient, sandbox: Sandbox) -> None:
    assert (await settled_trace(page, sandbox, flow("Nonsense", tell("Deployed"))))["outcome"]["kind"] == "failed"
    assert (await settled_trace(page, sandbox, flow("Nonsense", tell("FATAL"))))["outcome"]["kind"] == "answered"


async def test_a_template_that_fails_is_a_failure(page: PageClient, sandbox: Sandbox) -> None:
    broken = tell("Deployed") + "  criteria: perhaps\n"

    trace = await settled_trace(page, sandbox, flow("Deploy", broken))

    assert trace["outcome"]["kind"] == "failed"
    assert trace["outcome"]["reason"].startswith("flow deploy, step tell: criteria: ")


async def test_a_message_for_which_no_step_runs_is_not_counted_as_unanswered(page: PageClient) -> None:
    trace = await page.wait_for_trace(await page.say("hello"), lambda trace: trace["stage"] == "delivered")

    assert trace["outcome"]["kind"] == "no_flow"
    assert (await summary(page))["not_answered"] == 0
