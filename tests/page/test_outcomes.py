"""The badges of messages say whether they were answered, and what failed."""

import pytest
from playwright.async_api import expect

from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.flow_loader import flow_from_text
from entrypoints.simulation.flyte.scripted_pack import PackScript, ScriptedAnswer, ScriptedPack
from tests.page.workbench_page import WorkbenchPage

_DEPLOYER = PackScript(
    name="Deployer",
    commands={
        "Deploy": (ScriptedAnswer(event="Deployed"),),
        "Refuse": (ScriptedAnswer(event="DeployFailed", payload={"error": "no release"}),),
    },
)
_FLOW = """
name: deploy
steps:
- id: start
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'go' }}"
  context: {Channel: "{{ Event.Payload.channelId }}"}
  command: {packName: Deployer, name: COMMAND}
- id: tell
  dependsOn: [start]
  event: {packName: Deployer, name: EVENT}
  command: {packName: Slack, name: SendMessage, input: {channelId: "{{ Context.Channel }}", message: "told you"}}
"""


@pytest.mark.parametrize(
    ("command", "event", "badge", "counts"),
    [
        ("Deploy", "Deployed", "answered in", {"Succeeded": 2, "Failed": 0, "Not answered": 0}),
        ("Deploy", "DeployDone", "not answered: no step waits for Deployer Deployed", {"Failed": 0, "Not answered": 1}),
        ("Refuse", "DeployFailed", "answered in", {"Succeeded": 1, "Failed": 0, "Not answered": 0}),
        ("Refuse", "Deployed", "failed: Refuse ends in DeployFailed: no release", {"Failed": 1, "Not answered": 0}),
    ],
)
async def test_a_badge_says_what_came_of_a_message(
    bench: WorkbenchPage, sandbox: Sandbox, command: str, event: str, badge: str, counts: dict[str, int]
) -> None:
    ScriptedPack(_DEPLOYER, sandbox.flyte)
    text = _FLOW.replace("COMMAND", command).replace("EVENT", event)
    sandbox.flyte.add_flow(flow_from_text(text, "test", is_json=False))

    await bench.say("go")

    await expect(bench.message("go").first.get_by_role("button", name=badge)).to_be_visible()
    await expect(bench.trace.locator(".outcome")).to_contain_text(badge)
    for name, count in counts.items():
        await bench.expect_count(name, count)
