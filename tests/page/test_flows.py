"""Editing flows on the page."""

import re

from playwright.async_api import Locator, expect

from entrypoints.simulation.flyte.flow_loader import BUILT_IN
from tests.page.workbench_page import WorkbenchPage

_ECHO = (BUILT_IN / "echo.yaml").read_text(encoding="utf-8")
_WELCOME = """
name: welcome
steps:
- event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message == 'ahoy' }}"
  command:
    packName: Slack
    name: SendMessage
    input: {channelId: "{{ Event.Payload.channelId }}", message: "welcome aboard"}
"""


async def open_flow(bench: WorkbenchPage, flow: str) -> Locator:
    """Opens a flow; returns its text field."""
    await bench.open_tab("Flows")
    await bench.page.get_by_role("button", name=flow).click()
    return bench.page.get_by_role("textbox", name="Text of the flow")


async def test_a_flow_is_shown_with_the_text_of_its_file(bench: WorkbenchPage) -> None:
    text = await open_flow(bench, "echo")

    await expect(text).to_have_value(_ECHO)
    await expect(bench.page.get_by_text("Running in this simulation")).to_be_visible()


async def test_a_changed_flow_runs_at_once(bench: WorkbenchPage) -> None:
    text = await open_flow(bench, "echo")

    await text.fill(_ECHO.replace("you said:", "you shouted:"))
    await expect(bench.page.get_by_text("Running in this simulation")).to_be_visible()
    await bench.say("echo HI")

    await expect(bench.message("you shouted:")).to_contain_text("HI")


async def test_an_error_is_shown_with_its_location_while_the_last_valid_version_runs(bench: WorkbenchPage) -> None:
    text = await open_flow(bench, "echo")

    await text.fill(_ECHO.replace('slice:"5:"', 'slize:"5:"'))

    state = bench.page.get_by_text("the filter 'slize' is not supported")
    await expect(state).to_contain_text(
        re.compile(r"Line 9, column 38: step 'get_message', context\.Msg: the filter 'slize'")
    )
    await expect(state).to_contain_text("The last valid version keeps running")
    await expect(text).to_have_attribute("aria-invalid", "true")
    await expect(bench.page.locator("#line-numbers .bad")).to_have_text("9\n")
    await bench.page.get_by_role("button", name="Go to the error").click()
    assert "slize" in await bench.page.evaluate("getSelection().toString()")
    await bench.say("echo hi")
    await expect(bench.message("you said:")).to_be_visible()


async def test_an_invalid_text_survives_a_reload(bench: WorkbenchPage) -> None:
    text = await open_flow(bench, "echo")
    await text.fill("name: echo\nsteps: [")
    await expect(bench.page.get_by_text("Line 2")).to_be_visible()

    await bench.page.reload()

    await expect(text).to_have_value("name: echo\nsteps: [")
    await text.fill(_ECHO)
    await expect(bench.page.get_by_text("Running in this simulation")).to_be_visible()


async def test_a_flow_can_be_created_edited_and_deleted(bench: WorkbenchPage) -> None:
    await bench.open_tab("Flows")
    await bench.page.get_by_role("button", name="New flow").click()
    text = bench.page.get_by_role("textbox", name="Text of the flow")
    await expect(text).to_be_focused()
    await expect(text).to_have_value(re.compile("name: my_flow"))
    await text.fill(_WELCOME)
    await expect(bench.page.get_by_role("button", name="welcome")).to_be_visible()
    await bench.say("ahoy")
    await expect(bench.message("welcome aboard")).to_have_count(1)

    await bench.open_tab("Flows")
    await bench.page.get_by_role("button", name="Delete flow").click()
    await expect(bench.page.get_by_role("button", name="welcome")).to_have_count(0)
    await bench.say("ahoy")

    await expect(bench.message("no flow ran")).to_have_count(1)
    await expect(bench.message("welcome aboard")).to_have_count(1)
