"""The page of `simulate --slack-only`, and of apps that receive by HTTP: what cannot have an effect is not there."""

import asyncio

import aiohttp

from entrypoints.simulation.sandbox import SandboxConfig, served_sandbox, slack_only_sandbox
from tests.simulation.slack_app import SlackApp
from tests.simulation.web.conftest import PageClient

_SOCKET_FAULTS = {"slack-drop", "slack-silence"}
_ADDRESS = "http://127.0.0.1:9/slack/events"


def ignore(_: str) -> None:
    """Takes a report of a sandbox."""


async def test_a_message_is_acknowledged_and_no_more_is_known(session: aiohttp.ClientSession) -> None:
    async with slack_only_sandbox(SandboxConfig(page_port=0), report=ignore) as (sandbox, _):
        page = await PageClient.open(session, sandbox.page_url)
        app = SlackApp(sandbox.workspace.slack, session)
        key, _ = await asyncio.gather(page.say("hello"), app.event(await app.open_socket()))
        trace = await page.wait_for_trace(key, lambda trace: trace["stage"] != "at_slack")
        summary = await page.wait_for_key("summary")

    assert trace["stage"] == "acknowledged"
    assert [step["kind"] for step in trace["steps"]] == ["posted", "delivered", "acknowledged"]
    assert (summary["is_slack_only"], summary["acknowledged"], summary["in_pack"]) == (True, 1, 0)


async def test_there_are_no_faults_of_flyte_without_flyte(session: aiohttp.ClientSession) -> None:
    async with slack_only_sandbox(SandboxConfig(page_port=0), report=ignore) as (sandbox, _):
        page = await PageClient.open(session, sandbox.page_url)
        faults = await page.wait_for_key("faults")
        refused = await page.act("set-fault", fault="flyte-down", on=True)

    assert {fault["server"] for fault in faults} == {"Slack"}
    assert {fault["name"] for fault in faults} >= _SOCKET_FAULTS
    assert refused == {"error": "there is no fault flyte-down"}


async def test_there_are_no_faults_of_sockets_for_an_app_that_receives_by_http(session: aiohttp.ClientSession) -> None:
    config = SandboxConfig(page_port=0, deliver_to=_ADDRESS)
    async with served_sandbox(config, report=ignore) as (sandbox, _):
        faults = await (await PageClient.open(session, sandbox.page_url)).wait_for_key("faults")

    assert {fault["server"] for fault in faults} == {"Slack", "Flyte"}
    assert not {fault["name"] for fault in faults} & _SOCKET_FAULTS
