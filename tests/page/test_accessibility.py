"""axe-core finds nothing on the page, whatever it shows."""

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, ViewportSize, expect

from tests.page.workbench_page import WorkbenchPage

_PHONE = ViewportSize(width=390, height=844)


async def violations(page: Page) -> list[tuple[str, list[str]]]:
    """Returns the rules that the page breaks, each with the elements that break it."""
    results = await Axe().run(page)
    return [(found["id"], [node["html"][:100] for node in found["nodes"]]) for found in results.response["violations"]]


async def show_ephemeral(release: WorkbenchPage) -> None:
    await release.page.get_by_role("button", name="Reject").click()
    await release.page.get_by_role("button", name="Reject it").click()
    await expect(release.message("Only you know")).to_be_visible()


async def show_tools_and_menu(release: WorkbenchPage) -> None:
    await release.text.focus()
    await release.page.keyboard.press("ArrowUp")
    await release.page.keyboard.press("Home")
    await release.page.keyboard.press("ArrowDown")
    await release.page.keyboard.press("+")
    await release.page.keyboard.press("Enter")
    await release.message("release 1.2").first.get_by_role("button", name="Shortcuts").click()


async def show_commands(release: WorkbenchPage) -> None:
    await release.text.fill("/")
    await expect(release.page.get_by_role("listbox", name="Slash commands")).to_be_visible()


async def show_modal(release: WorkbenchPage) -> None:
    await release.text.fill("")
    await release.page.get_by_role("button", name="Plan …").click()
    await release.page.get_by_label("Tell: Choose people").click()
    await release.page.get_by_role("button", name="Plan", exact=True).click()
    await expect(release.page.get_by_role("dialog").get_by_text("Please complete").first).to_be_visible()


async def show_confirmation(release: WorkbenchPage) -> None:
    await release.page.keyboard.press("Escape")
    await expect(release.page.get_by_role("dialog")).to_have_count(0)
    await release.page.get_by_role("button", name="Reject", exact=True).click()
    await expect(release.page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_is_found_in_the_conversation(release: WorkbenchPage, scheme: Literal["light", "dark"]) -> None:
    await release.page.emulate_media(color_scheme=scheme)
    assert await violations(release.page) == []
    for show in (show_ephemeral, show_tools_and_menu, show_commands, show_modal, show_confirmation):
        await show(release)
        assert await violations(release.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_is_found_beside_it(release: WorkbenchPage, scheme: Literal["light", "dark"]) -> None:
    await release.page.emulate_media(color_scheme=scheme)
    await release.open_tab("Flows")
    assert await violations(release.page) == []
    await release.toggle_fault("Rate limited", at="Slack")
    await expect(release.page.get_by_role("switch", name="Rate limited")).to_be_checked()
    assert await violations(release.page) == []


async def test_nothing_is_found_on_a_phone(release: WorkbenchPage) -> None:
    await release.page.set_viewport_size(_PHONE)
    for pane in ("Channels", "Trace, flows, faults", "Conversation"):
        await release.page.get_by_role("navigation", name="Panes").get_by_role("button", name=pane).click()
        assert await violations(release.page) == []
    await show_modal(release)
    assert await violations(release.page) == []
