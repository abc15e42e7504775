"""How the page looks: in the light, in the dark, on a phone; and that everything on it has a name."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, ViewportSize, expect

from entrypoints.simulation.environment import Sandbox
from tests.page.workbench_page import WorkbenchPage

_LARGEST_PICTURE = 150_000
_DESK = ViewportSize(width=1180, height=664)
_PHONE = ViewportSize(width=390, height=844)

_UNNAMED = """() => [...document.querySelectorAll("button, a, input, select, textarea, article")]
  .filter((part) => part.checkVisibility())
  .filter((part) => !(part.ariaLabel || part.textContent.trim() || part.labels?.length || part.title))
  .map((part) => part.outerHTML.slice(0, 100))"""
_WIDER_THAN_THE_SCREEN = """() => [...document.querySelectorAll("body *")]
  .filter((part) => part.checkVisibility() && !part.closest("#flow-text, .skip, .place-name"))
  .filter((part) => part.getBoundingClientRect().right > innerWidth + 1)
  .map((part) => part.outerHTML.slice(0, 100))"""


async def converse(bench: WorkbenchPage, stage: Sandbox) -> None:
    """A conversation with something of everything."""
    await bench.send("Good morning! :wave: Is the *staging* deploy through?")
    room = stage.workspace.conversation("#general", "bob")
    question = bench.message("Good morning").first
    await question.click()
    await question.get_by_role("button", name="Reply").click()
    await bench.page.get_by_role("combobox", name="Talk as").select_option("Bob")
    await bench.send("Yes, since ten. `build 142` is green.")
    await expect(bench.message("is green")).to_be_visible()
    await bench.page.get_by_role("button", name="Not now").click()
    await question.click()
    await question.get_by_role("button", name="React").click()
    await question.get_by_role("button", name="eyes").click()
    stage.workspace.say("alice", room, "Then I will tell everybody.")
    await bench.say("echo hello world")
    await expect(bench.message("you said:")).to_be_visible()
    await bench.expect_ledger("Answered", 1)


async def take(part: Page | Locator, path: Path) -> None:
    """A picture of what is seen."""
    picture = await part.screenshot(path=path, animations="disabled", caret="hide")
    assert len(picture) <= _LARGEST_PICTURE


async def ground_of(page: Page) -> Sequence[int]:
    """The colour behind everything: red, green, blue."""
    colour = await page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor")
    return [int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]


async def test_in_the_light(bench: WorkbenchPage, stage: Sandbox, pictures: Path) -> None:
    await bench.page.set_viewport_size(_DESK)
    await converse(bench, stage)

    assert min(await ground_of(bench.page)) > 230
    await take(bench.page, pictures / "workbench.png")


async def test_in_the_dark_while_flyte_is_down(bench: WorkbenchPage, stage: Sandbox, pictures: Path) -> None:
    await bench.page.set_viewport_size(_DESK)
    await bench.page.emulate_media(color_scheme="dark")
    await converse(bench, stage)
    await bench.throw("Down", at="Flyte")
    await bench.say("echo are you there?", "echo I can wait")
    await bench.expect_ledger("Waiting", 2)
    await bench.open_tab("Faults")

    assert max(await ground_of(bench.page)) < 50
    await take(bench.page, pictures / "workbench-flyte-down.png")


async def test_a_flow_with_a_mistake(bench: WorkbenchPage, stage: Sandbox, pictures: Path) -> None:
    await bench.page.set_viewport_size(_DESK)
    await converse(bench, stage)
    await bench.open_tab("Flows")
    await bench.page.get_by_role("button", name="echo").click()
    text = bench.page.get_by_role("textbox", name="Text of the flow")
    await text.fill((await text.input_value()).replace("slice", "slize"))
    await expect(bench.page.get_by_text("'slize' is not supported")).to_be_visible()

    await take(bench.page.get_by_role("complementary"), pictures / "workbench-flows.png")


async def test_on_a_phone(bench: WorkbenchPage, stage: Sandbox, pictures: Path) -> None:
    await bench.page.set_viewport_size(_PHONE)
    await converse(bench, stage)

    await take(bench.page, pictures / "workbench-phone.png")
    for part in ("Channels", "Conversation", "Way, flows, faults"):
        await bench.page.get_by_role("navigation", name="Parts of the page").get_by_role("button", name=part).click()
        assert await bench.page.evaluate(_WIDER_THAN_THE_SCREEN) == []
        assert await bench.page.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"]
    for tab in ("Flows", "Faults", "Way"):
        await bench.open_tab(tab)
        assert await bench.page.evaluate(_WIDER_THAN_THE_SCREEN) == []
    await take(bench.page, pictures / "workbench-phone-way.png")


@pytest.mark.parametrize("tab", ["Way", "Flows", "Faults"])
async def test_everything_that_can_be_used_has_a_name(bench: WorkbenchPage, stage: Sandbox, tab: str) -> None:
    await converse(bench, stage)
    await bench.open_tab(tab)

    assert await bench.page.evaluate(_UNNAMED) == []
