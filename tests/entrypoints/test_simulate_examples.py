"""The examples run as their comments say."""

import re
from pathlib import Path

import pytest

from tests.entrypoints.simulated import simulate

EXAMPLES = Path(__file__).parents[2] / "examples"
FLOWS, PACKS = EXAMPLES / "flows", EXAMPLES / "packs"

ENDS = pytest.mark.parametrize("ends", [(), ("--in-memory",)], ids=["loopback", "in memory"])


@ENDS
def test_who_is_on_call_is_answered_in_the_thread_with_what_the_rota_says(ends: tuple[str, ...]) -> None:
    done = simulate("flyte on-call\n", "--flow", FLOWS / "on_call.yaml", "--pack", PACKS / "rota.yaml", *ends)

    assert done.stdout == "#general alice: flyte on-call\n#general (thread) flyte: Grace is on call\n"


@ENDS
def test_whoever_says_hello_is_greeted_by_name(ends: tuple[str, ...]) -> None:
    done = simulate("/as bob\nHello you\nhellow\n", "--flow", FLOWS / "greeting.yaml", *ends)

    assert done.stdout == "#general bob: Hello you\n#general flyte: Hello Bob!\n#general bob: hellow\n"


@ENDS
def test_a_deployment_is_announced_with_blocks(ends: tuple[str, ...]) -> None:
    flow = FLOWS / "deployment.yaml"
    event = re.search(r"/event .+", flow.read_text())
    assert event

    done = simulate(event[0], "--flow", flow, *ends)

    assert done.stdout == ("#deployments flyte: shop 1.2 is live\n                    | deployed by the pipeline\n")


@ENDS
def test_only_what_was_approved_in_a_thread_is_deployed(ends: tuple[str, ...]) -> None:
    typed = "deploy shop 1.2\n/as bob\napprove shop 1.2\n/thread 2\napprove shop 1.2\napprove shop 0.1\n"

    done = simulate(typed, "--flow", FLOWS / "approval.yaml", "--pack", PACKS / "deployer.yaml", *ends)

    asked, _, _, *answers = (line for line in done.stdout.splitlines() if " flyte: " in line or "approve" in line)
    assert asked.startswith("#general (thread) flyte: <@U")
    assert answers == [
        "#general (thread) bob: approve shop 1.2",
        "#general (thread) flyte: :white_check_mark: shop 1.2 is live",
        "#general (thread) bob: approve shop 0.1",
        "#general (thread) flyte: :x: shop 0.1: version 0.1 has no release",
    ]


def test_every_example_has_its_own_command_line_beside_it() -> None:
    for flow in FLOWS.glob("*.yaml"):
        assert f"flyte-slack simulate --flow examples/flows/{flow.name}" in flow.read_text()
