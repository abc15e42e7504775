"""The page of `simulate --slack-only`: it shows nothing that an app of any kind does not have."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import expect

from entrypoints.observability.logs import configure_logs
from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.sandbox import SandboxConfig, slack_only_sandbox
from tests.page.workbench_page import WorkbenchPage


@pytest_asyncio.fixture(loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    configure_logs("error")
    async with slack_only_sandbox(SandboxConfig(page_port=0), report=lambda _: None) as (sandbox, _):
        yield sandbox


async def test_it_has_neither_flows_nor_faults_of_flyte(bench: WorkbenchPage) -> None:
    await expect(bench.page.get_by_role("tab")).to_have_text(["Trace", "Faults"])
    await bench.open_tab("Faults")

    await expect(bench.page.get_by_role("region", name="Faults of Slack")).to_be_visible()
    await expect(bench.page.get_by_role("region", name="Faults of Flyte")).to_have_count(0)
    await bench.page.keyboard.press("ArrowLeft")
    await expect(bench.page.get_by_role("tab", name="Trace", selected=True)).to_be_focused()


async def test_it_speaks_of_the_app_and_counts_what_is_known_of_it(bench: WorkbenchPage) -> None:
    await bench.say("hello")

    await expect(bench.message("hello")).to_contain_text("waiting at Slack")
    await expect(bench.trace).to_contain_text("Slack holds the message until the app takes it")
    await expect(bench.page.locator("#summary dt")).to_have_text(
        ["Acknowledged", "Waiting", "Not acknowledged", "Posted"]
    )
    await bench.expect_count("Waiting", 1)
    await expect(bench.page.locator("body")).not_to_contain_text("the pack")
