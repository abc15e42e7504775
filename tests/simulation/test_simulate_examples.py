"""The examples run as their comments say."""

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


async def said(where: str, flow: str, *lines: str, pack: str = "") -> str:
    """What is said when somebody types these lines, with an example's flow and pack."""
    packs = [pack_from_file(PACKS / pack)] if pack else []
    async with open_console(where, flows=[flow_from_file(FLOWS / flow)], packs=packs) as console:
        return await console.run(*lines)


@BOTH
async def test_who_is_on_call_is_answered_in_the_thread_with_what_the_rota_says(where: str) -> None:
    output = await said(where, "on_call.yaml", "flyte on-call", pack="rota.yaml")

    assert output == "#general alice: flyte on-call\n#general (thread) flyte: Grace is on call\n"


@BOTH
async def test_whoever_says_hello_is_greeted_by_name(where: str) -> None:
    output = await said(where, "greeting.yaml", "/as bob", "Hello you", "hellow")

    assert output == "#general bob: Hello you\n#general flyte: Hello Bob!\n#general bob: hellow\n"


@BOTH
async def test_a_deployment_is_announced_with_blocks(where: str) -> None:
    event = re.search(r"/event .+", (FLOWS / "deployment.yaml").read_text())
    assert event

    output = await said(where, "deployment.yaml", event[0], "/event Deployer Deployed {}")

    assert output == "#deployments flyte: shop 1.2 is live\n                    | deployed by the pipeline\n"


@BOTH
async def test_only_what_was_approved_in_a_thread_is_deployed(where: str) -> None:
    lines = ("deploy shop 1.2", "/as bob", "approve shop 1.2", "/thread 2", "approve shop 1.2", "approve shop 0.1")

    output = (await said(where, "approval.yaml", *lines, pack="deployer.yaml")).splitlines()

    assert output[1].startswith("#general (thread) flyte: <@U")
    assert output[2:3] + output[4:] == [
        "#general bob: approve shop 1.2",
        "#general (thread) bob: approve shop 1.2",
        "#general (thread) flyte: :white_check_mark: shop 1.2 is live",
        "#general (thread) bob: approve shop 0.1",
        "#general (thread) flyte: :x: shop 0.1: version 0.1 has no release",
    ]


def test_the_command_line_beside_an_example_runs_it() -> None:
    for flow in FLOWS.glob("*.yaml"):
        assert f"flyte-slack simulate --flow examples/flows/{flow.name}" in flow.read_text()
    flow, pack = FLOWS / "on_call.yaml", PACKS / "rota.yaml"

    done = simulate("flyte on-call\n", "--flow", flow, "--pack", pack)

    assert done.stdout.endswith("#general (thread) flyte: Grace is on call\n")
