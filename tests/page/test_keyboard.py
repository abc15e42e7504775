"""The page with the keyboard alone. Whatever has the focus is visibly marked."""

import pytest
from playwright.async_api import Page, expect

from tests.page.workbench_page import WorkbenchPage


async def focus_by_tab(page: Page, name: str, *, key: str = "Tab") -> None:
    """Press Tab until the control with this name has the focus, which must be visible."""
    for _ in range(80):
        await page.keyboard.press(key)
        found, outline = await page.evaluate(_FOCUSED)
        if found.startswith(name):
            assert outline == "solid"
            return
    raise AssertionError(f"{key} does not reach {name}")


_FOCUSED = """() => {
  const part = document.activeElement;
  const marked = part.type === "file" ? part.parentElement : part;
  const name = part.ariaLabel ?? (part.labels?.[0] ?? part).textContent;
  return [name.trim(), getComputedStyle(marked).outlineStyle];
}"""


async def test_a_button_is_clicked(release: WorkbenchPage) -> None:
    await focus_by_tab(release.page, "Approve", key="Shift+Tab")
    await release.page.keyboard.press("Enter")

    await expect(release.message("Released 1.2")).to_contain_text("updated")


async def test_an_option_is_chosen_once_the_arrow_keys_have_found_it(release: WorkbenchPage) -> None:
    await focus_by_tab(release.page, "Where to", key="Shift+Tab")
    await release.page.keyboard.press("ArrowDown")
    await release.page.keyboard.press("ArrowDown")
    await release.page.keyboard.press("Enter")

    await expect(release.message("It goes to production.")).to_be_visible()
    await expect(release.message("It goes to staging.")).to_have_count(0)


async def test_a_modal_is_filled_in_and_submitted_and_the_focus_goes_back(release: WorkbenchPage) -> None:
    keyboard = release.page.keyboard
    await focus_by_tab(release.page, "Plan …", key="Shift+Tab")
    await keyboard.press("Enter")
    await expect(release.page.get_by_role("textbox", name="Title")).to_be_focused()
    await keyboard.type("The big one")
    await keyboard.press("Tab")
    await keyboard.type("12312026")
    await focus_by_tab(release.page, "Low")
    await keyboard.press("ArrowDown")
    await focus_by_tab(release.page, "Tell: Choose people")
    await keyboard.press("Enter")
    await keyboard.press("Tab")
    await keyboard.press("Space")
    await focus_by_tab(release.page, "Plan")
    await keyboard.press("Enter")

    await expect(release.message("Planned: The big one on 2026-12-31, high risk.")).to_be_visible()
    await expect(release.page.get_by_role("button", name="Plan …")).to_be_focused()


async def test_the_focus_stays_in_a_modal_until_escape_closes_it(release: WorkbenchPage) -> None:
    await focus_by_tab(release.page, "Plan …", key="Shift+Tab")
    await release.page.keyboard.press("Enter")
    await expect(release.page.get_by_role("textbox", name="Title")).to_be_focused()
    for _ in range(12):
        await release.page.keyboard.press("Tab")
        assert await release.page.evaluate("document.activeElement.matches('body, dialog *')")
    await release.page.keyboard.press("Escape")

    await expect(release.message("No plan then.")).to_be_visible()
    await expect(release.page.get_by_role("button", name="Plan …")).to_be_focused()


async def test_a_confirmation_is_refused_with_escape(release: WorkbenchPage) -> None:
    await focus_by_tab(release.page, "Reject", key="Shift+Tab")
    await release.page.keyboard.press("Enter")
    await expect(release.page.get_by_role("button", name="Reject it")).to_be_focused()
    await release.page.keyboard.press("Escape")

    await expect(release.page.get_by_role("button", name="Reject", exact=True)).to_be_focused()
    await expect(release.message("clicks")).to_have_count(0)


async def test_a_reaction_is_added_and_taken_back(release: WorkbenchPage) -> None:
    keyboard = release.page.keyboard
    await release.text.focus()
    await keyboard.press("ArrowUp")
    await keyboard.press("Home")
    await keyboard.press("ArrowDown")
    await keyboard.press("+")
    await focus_by_tab(release.page, "eyes")
    await keyboard.press("Enter")
    await expect(release.page.get_by_role("button", name="eyes, 1: @alice", pressed=True)).to_be_visible()

    await focus_by_tab(release.page, "eyes, 1", key="Shift+Tab")
    await keyboard.press("Space")

    await expect(release.page.get_by_role("button", name="eyes, 1: @alice")).to_have_count(0)


@pytest.mark.parametrize("key", ["Tab", "Enter"])
async def test_a_slash_command_is_completed_and_run(release: WorkbenchPage, key: str) -> None:
    await release.text.focus()
    await release.page.keyboard.type("/re")
    await expect(release.page.get_by_role("option", name="/release", selected=True)).to_be_visible()
    await release.page.keyboard.press(key)
    await release.page.keyboard.type("1.3")
    await release.page.keyboard.press("Enter")

    await expect(release.message("Release 1.3 is on its way.")).to_be_visible()


async def test_escape_closes_the_list_of_commands_and_leaves_the_text(release: WorkbenchPage) -> None:
    await release.text.focus()
    await release.page.keyboard.type("/re")
    await expect(release.page.get_by_role("listbox", name="Slash commands")).to_be_visible()
    await release.page.keyboard.press("Escape")

    await expect(release.page.get_by_role("listbox")).to_have_count(0)
    await expect(release.text).to_have_value("/re")


async def test_a_shortcut_is_chosen_from_its_menu(release: WorkbenchPage) -> None:
    await release.text.focus()
    await focus_by_tab(release.page, "Shortcuts")
    await release.page.keyboard.press("Enter")
    await expect(release.page.get_by_role("menuitem", name="start_release")).to_be_focused()
    await release.page.keyboard.press("ArrowDown")
    await expect(release.page.get_by_role("menuitem", name="Other …")).to_be_focused()
    await release.page.keyboard.press("ArrowDown")
    await release.page.keyboard.press("Enter")

    await expect(release.page.get_by_role("dialog", name="Plan a release")).to_be_visible()


async def test_escape_closes_a_menu_and_the_focus_goes_back(release: WorkbenchPage) -> None:
    await release.text.focus()
    await focus_by_tab(release.page, "Shortcuts")
    await release.page.keyboard.press("Enter")
    await release.page.keyboard.press("Escape")

    await expect(release.page.get_by_role("menu")).to_have_count(0)
    await expect(release.page.locator("#shortcuts-button")).to_be_focused()


async def test_a_file_can_be_attached(release: WorkbenchPage) -> None:
    await release.text.focus()
    async with release.page.expect_file_chooser():
        await focus_by_tab(release.page, "Attach a file")
        await release.page.keyboard.press("Enter")
