"""Untrusted text on the page: it stays text, and links lead where they say."""

import pytest
from playwright.async_api import expect

from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from tests.page.workbench_page import WorkbenchPage

_HTML = "<img src=x onerror=alert(1)><script>alert(2)</script>"
_LINKS = {
    "<https://example.com/a?b=1&amp;c=2|a page>": "https://example.com/a?b=1&c=2",
    "<mailto:ops@example.com|a mail>": "mailto:ops@example.com",
    "<http://example.com>": "http://example.com/",
}
_UNSAFE_LINKS = [
    "<javascript:alert(1)|click me>",
    "<JaVaScRiPt:alert(1)>",
    "<&#106;avascript:alert(1)|click me>",
    "<data:text/html,%3Cscript%3Ealert(1)%3C/script%3E|click me>",
    "<vbscript:x|click me>",
    "<file:///etc/passwd|click me>",
    "<https:|click me>",
]


async def post_as_bot(bench: WorkbenchPage, sandbox: Sandbox, text: str) -> None:
    """Lets the bot post a text without escaping it: flows write Slack's markup."""
    channel = sandbox.workspace.conversation("#general", "alice")
    sandbox.flyte.queue_action("Slack", "SendMessage", {"channelId": channel.id, "message": text})
    await expect(bench.articles.filter(has=bench.page.get_by_text("app", exact=True)).last).to_be_visible()


async def test_html_from_people_stays_text(bench: WorkbenchPage) -> None:
    await bench.say(_HTML, f"echo {_HTML}")

    await expect(bench.message(_HTML)).to_have_count(3)
    assert await bench.page.locator("main img, main script, aside img, aside script").count() == 0


async def test_html_from_flows_stays_text(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    await post_as_bot(bench, sandbox, f"{_HTML} ```{_HTML}``` *{_HTML}*")

    await expect(bench.message("onerror=alert(1)")).not_to_have_count(0)
    assert await bench.page.locator("main img, main script").count() == 0


@pytest.mark.parametrize("link", _UNSAFE_LINKS)
async def test_unsafe_links_stay_text(bench: WorkbenchPage, sandbox: Sandbox, link: str) -> None:
    await post_as_bot(bench, sandbox, link)

    assert await bench.page.locator("main a").count() == 0


@pytest.mark.parametrize(("markup", "url"), _LINKS.items())
async def test_web_and_mail_links_work_and_send_no_referrer(
    bench: WorkbenchPage, sandbox: Sandbox, markup: str, url: str
) -> None:
    await post_as_bot(bench, sandbox, markup)

    link = bench.page.locator("main a")
    await expect(link).to_have_attribute("href", url)
    await expect(link).to_have_attribute("rel", "noopener noreferrer")


async def test_html_in_names_stays_text(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    sandbox.workspace.add_person("<b>eve</b>")
    sandbox.workspace.say("<b>eve</b>", sandbox.workspace.conversation("#general", "alice"), "good evening")
    step = {"event": {"packName": "Slack", "name": _HTML}, "command": {"packName": _HTML, "name": _HTML}}
    sandbox.flyte.add_flow(flow_from_values({"name": _HTML, "steps": [step]}, "test"))
    sandbox.flyte.raise_event("Slack", _HTML)

    await expect(bench.message("good evening")).to_contain_text("<b>eve</b>")
    await bench.open_tab("Flows")
    await expect(bench.page.get_by_role("button", name=_HTML)).to_be_visible()
    assert await bench.page.locator("b, main img, aside img, aside script").count() == 0
