"""A page whose simulation stops and starts again."""

from playwright.async_api import Browser, expect

from entrypoints.simulation.flyte.server import FlyteServer
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.web.open import open_page
from tests.page.workbench_page import WorkbenchPage


async def test_a_page_shows_that_it_is_disconnected_and_connects_to_the_next_simulation(browser: Browser) -> None:
    context = await browser.new_context()
    bench = WorkbenchPage(await context.new_page())
    async with SlackServer() as slack, FlyteServer() as flyte:
        alice, channel = slack.add_user("alice"), slack.add_channel("ops")
        async with open_page(slack, flyte, 0, adapters=None) as url:
            await bench.page.goto(url)
            await expect(bench.page.get_by_text("live", exact=True)).to_be_visible()
            await bench.say("before")
        await expect(bench.page.get_by_text("disconnected")).to_be_visible()
        await bench.text.fill("in between")
        await bench.text.press("Enter")
        await expect(bench.page.get_by_role("alert")).to_have_text(
            "the simulation does not respond; is it still running?"
        )
        await expect(bench.text).to_have_value("in between")

        port = int(url.rstrip("/").rpartition(":")[2])
        async with open_page(slack, flyte, port, adapters=None):
            await expect(bench.page.get_by_text("live", exact=True)).to_be_visible()
            slack.say(alice, channel, "afterwards")
            await expect(bench.message("afterwards")).to_be_visible()
    await context.close()
