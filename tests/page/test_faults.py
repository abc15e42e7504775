"""Injecting faults on the page: no message is lost, and none arrives twice."""

from collections import Counter

from playwright.async_api import Page, expect

from entrypoints.simulation.environment import Sandbox
from tests.page.workbench_page import WorkbenchPage

_TEN = [f"echo number {number}" for number in range(10)]


def received_texts(sandbox: Sandbox) -> Counter[object]:
    """Returns how often Flyte received each text."""
    return Counter(event.payload["message"] for event in sandbox.flyte.events if isinstance(event.payload, dict))


async def expect_all_once(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    for count, name in ((10, "Delivered"), (0, "Waiting"), (0, "Dead letters"), (0, "Duplicates"), (10, "Succeeded")):
        await bench.expect_count(name, count)
    await expect(bench.message("you said:")).to_have_count(10)
    assert received_texts(sandbox) == Counter(_TEN)


async def test_messages_wait_while_flyte_is_down_and_then_arrive_once(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    await bench.toggle_fault("Down", at="Flyte")
    await bench.say(*_TEN)

    await bench.expect_count("Waiting", 10)
    await expect(bench.message("waiting for Flyte")).to_have_count(10)
    await expect(bench.page.get_by_role("button", name="general 10")).to_be_visible()
    await expect(bench.trace).to_contain_text("The pack holds the message until Flyte accepts it")
    await expect(bench.message("you said:")).to_have_count(0)

    await bench.toggle_fault("Down", at="Flyte")

    await expect_all_once(bench, sandbox)
    await expect(bench.message("waiting for Flyte")).to_have_count(0)


async def test_faults_can_be_injected_with_the_keyboard_alone(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    page = bench.page
    await expect(page.get_by_role("button", name="general")).to_be_visible()
    await focus_by_tab(page, "tab-trace")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await focus_by_tab(page, "fault-flyte-down")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("switch", name="Down")).to_be_checked()
    await focus_by_tab(page, "composer-text")
    for text in _TEN:
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")
    await bench.expect_count("Waiting", 10)
    await expect(bench.trace.locator(".quote")).to_contain_text(_TEN[-1])

    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await expect(bench.trace.locator(".quote")).to_contain_text(_TEN[-2])
    await page.keyboard.press("r")
    await expect(page.get_by_text(f"Replying to “{_TEN[-2]}”")).to_be_visible()
    await page.keyboard.press("Escape")
    await focus_by_tab(page, "active-flyte-down")
    await page.keyboard.press("Enter")
    await focus_by_tab(page, "fault-flyte-down")
    await page.keyboard.press("Space")

    await expect_all_once(bench, sandbox)


async def focus_by_tab(page: Page, element_id: str) -> None:
    """Press Tab until the element has the focus, which must be visible."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == element_id:
            style = "getComputedStyle(document.activeElement).outlineStyle"
            assert await page.evaluate(style) == "solid"
            return
    raise AssertionError(f"Tab does not reach {element_id}")


async def test_a_fault_stays_on_and_visible_until_it_is_switched_off(bench: WorkbenchPage) -> None:
    await bench.toggle_fault("Down", at="Flyte")
    badge = bench.page.get_by_role("button", name="Flyte: down")
    await expect(badge).to_be_visible()

    await bench.page.reload()
    await expect(badge).to_be_visible()
    await badge.click()
    await bench.page.get_by_role("switch", name="Down").click()

    await expect(badge).to_have_count(0)


async def test_the_trace_shows_rate_limited_posts_until_one_succeeds(bench: WorkbenchPage) -> None:
    await bench.toggle_fault("Rate limited", at="Slack")
    await bench.say("echo patience")

    await expect(bench.steps.filter(has_text="Slack rejects the post: rate_limited")).not_to_have_count(0)
    await expect(bench.trace).to_contain_text("Flyte waits for the result of the action")
    await bench.toggle_fault("Rate limited", at="Slack")

    await expect(bench.message("you said:")).to_contain_text("patience")
    await bench.expect_count("Succeeded", 1)


async def test_a_message_waits_at_slack_while_sockets_are_down_and_then_arrives(bench: WorkbenchPage) -> None:
    await bench.toggle_fault("Sockets broken", at="Slack")
    await bench.say("echo are you there")

    await expect(bench.message("are you there")).to_contain_text("waiting at Slack")
    await bench.toggle_fault("Sockets broken", at="Slack")

    await expect(bench.message("you said:")).to_contain_text("are you there")
