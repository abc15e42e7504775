"""The fault switches: what each does to a message, and that everything works again afterwards."""

import asyncio

import aiohttp
import pytest

from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.sandbox import SandboxConfig, loopback_sandbox
from tests.simulation.web.conftest import PageClient


async def set_fault(page: PageClient, fault: str, *, on: bool) -> None:
    assert await page.act("set-fault", fault=fault, on=on) == {}


async def test_every_switch_has_texts_and_is_off_at_first(page: PageClient) -> None:
    switches = await page.wait_for_key("faults")

    assert {switch["server"] for switch in switches} == {"Slack", "Flyte"}
    assert all(switch["title"] and switch["effect"] and not switch["on"] for switch in switches)


@pytest.mark.parametrize(
    ("fault", "stage"),
    [("flyte-down", "in_pack"), ("flyte-500", "in_pack"), ("slack-drop", "at_slack"), ("slack-silence", "at_slack")],
)
async def test_a_message_waits_while_the_fault_is_on(page: PageClient, fault: str, stage: str) -> None:
    await set_fault(page, fault, on=True)
    key = await page.say("echo hi")
    await page.wait_for_trace(key, lambda trace: trace["stage"] == stage)
    state = await page.wait_for(lambda state: state["summary"][stage] == 1)

    assert state["summary"]["delivered"] == 0
    assert [switch["name"] for switch in state["faults"] if switch["on"]] == [fault]


@pytest.mark.parametrize("fault", ["flyte-down", "flyte-500", "slack-drop", "slack-429", "slack-500", "flyte-slow"])
async def test_a_message_is_answered_once_the_fault_is_off(page: PageClient, fault: str) -> None:
    await set_fault(page, fault, on=True)
    key = await page.say("echo hi")
    await set_fault(page, fault, on=False)

    trace = await page.wait_for_trace(key, lambda trace: trace["completed_actions"])

    assert trace["failed_actions"] == 0
    assert [step["kind"] for step in trace["steps"]].count("reply_posted") == 1


async def test_a_post_without_a_response_is_not_repeated(page: PageClient, sandbox: Sandbox) -> None:
    await set_fault(page, "slack-no-answer", on=True)
    key = await page.say("echo hi")
    trace = await page.wait_for_trace(key, lambda trace: trace["steps"][-1]["kind"] == "reply_posted")
    await set_fault(page, "slack-no-answer", on=False)

    assert trace["pending_actions"] == 1
    assert len(sandbox.flyte.unfinished()) == 1


async def test_setting_a_switch_twice_has_no_further_effect(page: PageClient) -> None:
    await set_fault(page, "flyte-down", on=False)
    await set_fault(page, "flyte-down", on=True)
    await set_fault(page, "flyte-down", on=True)
    await set_fault(page, "flyte-down", on=False)

    trace = await page.wait_for_trace(await page.say("echo hi"), lambda trace: trace["completed_actions"])

    assert trace["failed_actions"] == 0


@pytest.mark.parametrize("fault", ["flyte-down", "slack-silence", "slack-no-answer"])
async def test_a_simulation_ends_with_a_fault_on(session: aiohttp.ClientSession, fault: str) -> None:
    async with asyncio.timeout(20), loopback_sandbox(SandboxConfig(page_port=0)) as sandbox:
        page = await PageClient.open(session, sandbox.page_url)
        await set_fault(page, fault, on=True)
        await page.say("echo hi")

    with pytest.raises(aiohttp.ClientConnectorError):
        await session.get(page.url)
