"""The example flows and packs behave as their comments say."""

import re
from pathlib import Path

import pytest

from entrypoints.simulation.flyte.flow_loader import flow_from_file
from entrypoints.simulation.flyte.scripted_pack import pack_from_file
from tests.support.console import open_console
from tests.support.simulated import simulate

EXAMPLES = Path(__file__).parents[2] / "examples"
FLOWS, PACKS = EXAMPLES / "flows", EXAMPLES / "packs"

BOTH = pytest.mark.parametrize("where", ["loopback", "memory"])


async def output_of(where: str, flow: str, *lines: str, pack: str = "") -> str:
    """Returns the output of these lines with an example's flow and pack."""
    packs = [pack_from_file(PACKS / pack)] if pack else []
    async with open_console(where, flows=[flow_from_file(FLOWS / flow)], packs=packs) as console:
        return await console.run(*lines)


@BOTH
async def test_on_call_is_answered_in_the_thread_from_the_rota(where: str) -> None:
    output = await output_of(where, "on_call.yaml", "flyte on-call", pack="rota.yaml")

    assert output == "#general alice: flyte on-call\n#general (thread) flyte: Grace is on call\n"


@BOTH
async def test_a_greeting_is_answered_by_name(where: str) -> None:
    output = await output_of(where, "greeting.yaml", "/as bob", "Hello you", "hellow")

    assert output == "#general bob: Hello you\n#general flyte: Hello Bob!\n#general bob: hellow\n"


@BOTH
async def test_a_deployment_is_announced_with_blocks(where: str) -> None:
    event = re.search(r"/event .+", (FLOWS / "deployment.yaml").read_text())
    assert event

    output = await output_of(where, "deployment.yaml", event[0], "/event Deployer Deployed {}")

    assert output == "#deployments flyte: shop 1.2 is live\n                    | deployed by the pipeline\n"


@BOTH
async def test_only_an_approval_in_a_thread_deploys(where: str) -> None:
    lines = ("deploy shop 1.2", "/as bob", "approve shop 1.2", "/thread 2", "approve shop 1.2", "approve shop 0.1")

    output = (await output_of(where, "approval.yaml", *lines, pack="deployer.yaml")).splitlines()

    assert output[1].startswith("#general (thread) flyte: <@U")
    assert output[2:3] + output[4:] == [
        "#general bob: approve shop 1.2",
        "#general (thread) bob: approve shop 1.2",
        "#general (thread) flyte: :white_check_mark: shop 1.2 is live",
        "#general (thread) bob: approve shop 0.1",
        "#general (thread) flyte: :x: shop 0.1: version 0.1 has no release",
    ]


def test_the_command_line_in_an_example_runs_it() -> None:
    for flow in FLOWS.glob("*.yaml"):
        assert f"flyte-slack simulate --flow examples/flows/{flow.name}" in flow.read_text()
    flow, pack = FLOWS / "on_call.yaml", PACKS / "rota.yaml"

    done = simulate("flyte on-call\n", "--flow", flow, "--pack", pack)

    assert done.stdout.endswith("#general (thread) flyte: Grace is on call\n")


@BOTH
async def test_of_two_approvals_at_the_same_time_one_deploys(where: str) -> None:
    packs = [pack_from_file(PACKS / "deployer.yaml")]
    async with open_console(where, flows=[flow_from_file(FLOWS / "approval_buttons.yaml")], packs=packs) as console:
        await console.run("deploy shop 1.2")
        slack = console.sandbox.workspace.slack
        request = slack.posts[0]
        for person, decision in (("alice", "approved"), ("bob", "rejected")):
            slack.click(slack.workspace.user(person).user_id, request.channel, request.ts, decision)
        assert await console.sandbox.settle(10) == ""
        commands = [action.name for run in console.sandbox.flyte.runs() for action in run.actions]
        shown = slack.workspace.channel("#general").messages[request.ts].fields["text"]
        told = [(shown.user, shown.text) for shown in slack.ephemeral_posts]

    assert (commands.count("Deploy"), commands.count("UpdateMessage")) == (1, 1)
    assert shown == f"shop 1.2 approved by <@{slack.workspace.user('alice').user_id}>"
    assert told == [(slack.workspace.user("bob").user_id, "shop 1.2 was decided before your click")]
