"""Text of others, on the page: it stays text, and leads nowhere but where it says."""

import pytest
from playwright.async_api import expect

from entrypoints.simulation.environment import Sandbox
from entrypoints.simulation.flyte.flow_loader import flow_from_values
from tests.page.workbench_page import WorkbenchPage

_EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"
_LINKS = {
    "<https://example.com/a?b=1&amp;c=2|a page>": "https://example.com/a?b=1&c=2",
    "<mailto:ops@example.com|a letter>": "mailto:ops@example.com",
    "<http://example.com>": "http://example.com/",
}
_TRAPS = [
    "<javascript:alert(1)|click me>",
    "<JaVaScRiPt:alert(1)>",
    "<&#106;avascript:alert(1)|click me>",
    "<data:text/html,%3Cscript%3Ealert(1)%3C/script%3E|click me>",
    "<vbscript:x|click me>",
    "<file:///etc/passwd|click me>",
    "<https:|click me>",
]


async def hear_from_bot(bench: WorkbenchPage, stage: Sandbox, text: str) -> None:
    """Let the bot say something as it stands: flows write Slack's own signs."""
    room = stage.workspace.conversation("#general", "alice")
    stage.flyte.queue_action("Slack", "SendMessage", {"channelId": room.id, "message": text})
    await expect(bench.articles.filter(has=bench.page.get_by_text("app", exact=True)).last).to_be_visible()


async def test_html_that_people_say_stays_text(bench: WorkbenchPage) -> None:
    await bench.say(_EVIL, f"echo {_EVIL}")

    await expect(bench.message(_EVIL)).to_have_count(3)
    assert await bench.page.locator("main img, main script, aside img, aside script").count() == 0


async def test_html_that_a_flow_says_stays_text(bench: WorkbenchPage, stage: Sandbox) -> None:
    await hear_from_bot(bench, stage, f"{_EVIL} ```{_EVIL}``` *{_EVIL}*")

    await expect(bench.message("onerror=alert(1)")).not_to_have_count(0)
    assert await bench.page.locator("main img, main script").count() == 0


@pytest.mark.parametrize("trap", _TRAPS)
async def test_what_looks_like_a_link_and_is_none_is_not_followed(
    bench: WorkbenchPage, stage: Sandbox, trap: str
) -> None:
    await hear_from_bot(bench, stage, trap)

    assert await bench.page.locator("main a").count() == 0


@pytest.mark.parametrize(("written", "address"), _LINKS.items())
async def test_links_to_pages_and_letters_work_and_tell_nobody_where_they_stood(
    bench: WorkbenchPage, stage: Sandbox, written: str, address: str
) -> None:
    await hear_from_bot(bench, stage, written)

    link = bench.page.locator("main a")
    await expect(link).to_have_attribute("href", address)
    await expect(link).to_have_attribute("rel", "noopener noreferrer")


async def test_names_of_others_stay_text_too(bench: WorkbenchPage, stage: Sandbox) -> None:
    stage.workspace.add_person("<b>eve</b>")
    stage.workspace.say("<b>eve</b>", stage.workspace.conversation("#general", "alice"), "good evening")
    step = {"event": {"packName": "Slack", "name": _EVIL}, "command": {"packName": _EVIL, "name": _EVIL}}
    stage.flyte.add_flow(flow_from_values({"name": _EVIL, "steps": [step]}, "test"))
    stage.flyte.raise_event("Slack", _EVIL)

    await expect(bench.message("good evening")).to_contain_text("<b>eve</b>")
    await bench.open_tab("Flows")
    await expect(bench.page.get_by_role("button", name=_EVIL)).to_be_visible()
    assert await bench.page.locator("b, main img, aside img, aside script").count() == 0
