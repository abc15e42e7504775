"""The page's appearance: light, dark and on a phone, with an accessible name for every control."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, ViewportSize, expect

from entrypoints.simulation.environment import Sandbox
from tests.page.workbench_page import WorkbenchPage

_MAX_SCREENSHOT_BYTES = 180_000
_DESKTOP = ViewportSize(width=1180, height=664)
_PHONE = ViewportSize(width=390, height=844)
_NARROW_PHONE = ViewportSize(width=320, height=640)
_LONG_NAME = "maximiliana" + "a" * 60

_UNNAMED = """() => [...document.querySelectorAll("button, a, input, select, textarea, article")]
  .filter((part) => part.checkVisibility())
  .filter((part) => !(part.ariaLabel || part.textContent.trim() || part.labels?.length || part.title))
  .map((part) => part.outerHTML.slice(0, 100))"""
_WIDER_THAN_THE_SCREEN = """() => [...document.querySelectorAll("body *")]
  .filter((part) => part.checkVisibility() && !part.closest("#flow-text, .skip, .visually-hidden"))
  .filter((part) => part.getBoundingClientRect().right > innerWidth + 1)
  .map((part) => part.outerHTML.slice(0, 100))"""


async def post_examples(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    """Posts a conversation with replies, a reaction, markup and the bot."""
    await bench.send("Good morning! :wave: Is the *staging* deploy through?")
    channel = sandbox.workspace.conversation("#general", "bob")
    question = bench.message("Good morning").first
    await question.click()
    await question.get_by_role("button", name="Reply").click()
    await bench.page.get_by_role("combobox", name="Speak as").select_option("Bob")
    await bench.send("Yes, since ten. `build 142` is green.")
    await expect(bench.message("is green")).to_be_visible()
    await bench.page.get_by_role("button", name="Cancel").click()
    await question.click()
    await question.get_by_role("button", name="React").click()
    await question.get_by_role("button", name="thumbsup").click()
    sandbox.workspace.say("alice", channel, "Then I will tell everyone.")
    await bench.say("echo hello world")
    await expect(bench.message("you said:")).to_be_visible()
    await bench.expect_count("Succeeded", 1)


async def post_release(bench: WorkbenchPage) -> None:
    """Posts a message with blocks in #ops, and reacts to it."""
    await bench.page.get_by_role("button", name="ops").click()
    await bench.send("release 1.2")
    question = bench.message("release 1.2").first
    await expect(bench.page.get_by_role("button", name="Approve")).to_be_visible()
    await question.get_by_role("button", name="React").click()
    await question.get_by_role("button", name="eyes").click()
    await expect(bench.message("looks at it.")).to_be_visible()


async def take_screenshot(part: Page | Locator, path: Path) -> None:
    """Writes a screenshot, which must not be too large."""
    picture = await part.screenshot(path=path, animations="disabled", caret="hide")
    assert len(picture) <= _MAX_SCREENSHOT_BYTES


async def background_of(page: Page) -> Sequence[int]:
    """Returns the background colour: red, green, blue."""
    colour = await page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor")
    return [int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]


async def test_light_colour_scheme(bench: WorkbenchPage, sandbox: Sandbox, pictures: Path) -> None:
    await bench.page.set_viewport_size(_DESKTOP)
    await post_examples(bench, sandbox)

    assert min(await background_of(bench.page)) > 230
    await take_screenshot(bench.page, pictures / "workbench.png")


@pytest.mark.usefixtures("release_flow")
async def test_blocks_and_their_trace(bench: WorkbenchPage, pictures: Path) -> None:
    await bench.page.set_viewport_size(_DESKTOP)
    await post_release(bench)
    await bench.page.get_by_role("combobox", name="Where to").select_option("Production")
    await expect(bench.message("It goes to production.")).to_be_visible()

    await take_screenshot(bench.page, pictures / "workbench-blocks.png")


@pytest.mark.usefixtures("release_flow")
async def test_a_modal(bench: WorkbenchPage, pictures: Path) -> None:
    await bench.page.set_viewport_size(_DESKTOP)
    await bench.page.emulate_media(color_scheme="dark")
    await post_release(bench)
    await bench.page.get_by_role("button", name="Plan …").click()
    await bench.page.get_by_role("textbox", name="Title").fill("The big one")
    await bench.page.get_by_role("radio", name="Low").check()
    await bench.page.get_by_role("button", name="Plan", exact=True).click()
    await expect(bench.page.get_by_text("Please complete this required field.")).to_be_visible()

    await take_screenshot(bench.page.get_by_role("dialog"), pictures / "workbench-modal.png")


async def test_dark_colour_scheme_while_flyte_is_down(bench: WorkbenchPage, sandbox: Sandbox, pictures: Path) -> None:
    await bench.page.set_viewport_size(_DESKTOP)
    await bench.page.emulate_media(color_scheme="dark")
    await post_examples(bench, sandbox)
    await bench.toggle_fault("Down", at="Flyte")
    await bench.say("echo are you there?", "echo I can wait")
    await bench.expect_count("Waiting", 2)
    await bench.open_tab("Faults")

    assert max(await background_of(bench.page)) < 50
    await take_screenshot(bench.page, pictures / "workbench-flyte-down.png")


async def test_a_flow_with_an_error_fits_the_panel(bench: WorkbenchPage, sandbox: Sandbox, pictures: Path) -> None:
    await bench.page.set_viewport_size(_DESKTOP)
    await post_examples(bench, sandbox)
    await bench.open_tab("Flows")
    await bench.page.get_by_role("button", name="echo").click()
    text = bench.page.get_by_role("textbox", name="Text of the flow")
    await text.fill((await text.input_value()).replace("slice", "slize"))
    await expect(bench.page.get_by_text("'slize' is not supported")).to_be_visible()

    await take_screenshot(bench.page.get_by_role("complementary"), pictures / "workbench-flows.png")


async def test_every_pane_fits_a_phone(bench: WorkbenchPage, sandbox: Sandbox, pictures: Path) -> None:
    await bench.page.set_viewport_size(_PHONE)
    await post_examples(bench, sandbox)

    await take_screenshot(bench.page, pictures / "workbench-phone.png")
    for part in ("Channels", "Conversation", "Trace, flows, faults"):
        await bench.page.get_by_role("navigation", name="Panes").get_by_role("button", name=part).click()
        assert await bench.page.evaluate(_WIDER_THAN_THE_SCREEN) == []
        assert await bench.page.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"]
    for tab in ("Flows", "Faults", "Trace"):
        await bench.open_tab(tab)
        assert await bench.page.evaluate(_WIDER_THAN_THE_SCREEN) == []
    await take_screenshot(bench.page, pictures / "workbench-phone-trace.png")


async def test_long_names_fit_a_phone(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    await bench.page.set_viewport_size(_NARROW_PHONE)
    sandbox.workspace.add_person(_LONG_NAME)
    sandbox.workspace.add_channel("#" + "c" * 80)
    channel = sandbox.workspace.conversation("#" + "c" * 80, _LONG_NAME)
    sandbox.workspace.say(_LONG_NAME, channel, "hello " + "w" * 300)
    await bench.page.get_by_role("navigation", name="Panes").get_by_role("button", name="Channels").click()
    await bench.page.get_by_role("button", name="ccc").click()
    await bench.message("hello").click()
    await bench.page.get_by_role("button", name="Invite flyte").click()
    await expect(bench.page.get_by_role("button", name="Remove flyte")).to_be_visible()
    await bench.page.get_by_role("combobox", name="Speak as").select_option(label=_LONG_NAME.capitalize())

    for part in ("Channels", "Trace, flows, faults", "Conversation"):
        await bench.page.get_by_role("navigation", name="Panes").get_by_role("button", name=part).click()
        assert await bench.page.evaluate(_WIDER_THAN_THE_SCREEN) == []
        assert await bench.page.evaluate("document.documentElement.scrollWidth") <= _NARROW_PHONE["width"]


async def test_the_latest_message_is_in_sight_after_a_reload(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    await bench.page.set_viewport_size(_NARROW_PHONE)
    sandbox.workspace.add_person(_LONG_NAME)
    channel = sandbox.workspace.conversation("#general", _LONG_NAME)
    for number in range(30):
        sandbox.workspace.say(_LONG_NAME, channel, f"number {number}")
    await expect(bench.message("number 29")).to_be_visible()

    await bench.page.reload()

    await expect(bench.message("number 29")).to_be_in_viewport(ratio=1)


@pytest.mark.usefixtures("release_flow")
async def test_blocks_and_modals_fit_a_phone(bench: WorkbenchPage, pictures: Path) -> None:
    await bench.page.set_viewport_size(_PHONE)
    await bench.send("release 1.2")
    await expect(bench.page.get_by_role("button", name="Approve")).to_be_visible()
    assert await bench.page.evaluate(_WIDER_THAN_THE_SCREEN) == []
    await take_screenshot(bench.page, pictures / "workbench-phone-blocks.png")

    await bench.page.get_by_role("button", name="Plan …").click()
    await expect(bench.page.get_by_role("dialog", name="Plan a release")).to_be_visible()
    assert await bench.page.evaluate(_WIDER_THAN_THE_SCREEN) == []
    assert await bench.page.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"]


@pytest.mark.parametrize("tab", ["Trace", "Flows", "Faults"])
async def test_every_control_has_an_accessible_name(bench: WorkbenchPage, sandbox: Sandbox, tab: str) -> None:
    await post_examples(bench, sandbox)
    await bench.open_tab(tab)

    assert await bench.page.evaluate(_UNNAMED) == []
