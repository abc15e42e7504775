"""Throwing faults at both ends, and seeing that nothing is lost and nothing comes twice."""

from collections import Counter

from playwright.async_api import Page, expect

from entrypoints.simulation.environment import Sandbox
from tests.page.workbench_page import WorkbenchPage

_TEN = [f"echo number {number}" for number in range(10)]


def events(stage: Sandbox) -> Counter[object]:
    """What Flyte was told of: the text of each message, and how often."""
    return Counter(event.payload["message"] for event in stage.flyte.events if isinstance(event.payload, dict))


async def expect_all_once(bench: WorkbenchPage, stage: Sandbox) -> None:
    for count, name in ((10, "Delivered"), (0, "Waiting"), (0, "Set aside"), (0, "Twice"), (10, "Answered")):
        await bench.expect_ledger(name, count)
    await expect(bench.message("you said:")).to_have_count(10)
    assert events(stage) == Counter(_TEN)


async def test_ten_messages_wait_while_flyte_is_down_and_then_all_arrive_once(
    bench: WorkbenchPage, stage: Sandbox
) -> None:
    await bench.throw("Down", at="Flyte")
    await bench.say(*_TEN)

    await bench.expect_ledger("Waiting", 10)
    await expect(bench.message("waits for Flyte")).to_have_count(10)
    await expect(bench.page.get_by_role("button", name="general 10")).to_be_visible()
    await expect(bench.way).to_contain_text("The pack keeps it until Flyte takes it")
    await expect(bench.message("you said:")).to_have_count(0)

    await bench.throw("Down", at="Flyte")

    await expect_all_once(bench, stage)
    await expect(bench.message("waits for Flyte")).to_have_count(0)


async def test_the_same_by_keyboard_alone(bench: WorkbenchPage, stage: Sandbox) -> None:
    page = bench.page
    await expect(page.get_by_role("button", name="general")).to_be_visible()
    await go_to(page, "tab-way")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("ArrowRight")
    await go_to(page, "fault-flyte-down")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("switch", name="Down")).to_be_checked()
    await go_to(page, "composer-text")
    for text in _TEN:
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")
    await bench.expect_ledger("Waiting", 10)
    await expect(bench.way.locator(".chosen")).to_contain_text(_TEN[-1])

    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await expect(bench.way.locator(".chosen")).to_contain_text(_TEN[-2])
    await page.keyboard.press("r")
    await expect(page.get_by_text(f"In the thread of “{_TEN[-2]}”")).to_be_visible()
    await page.keyboard.press("Escape")
    await go_to(page, "alarm-flyte-down")
    await page.keyboard.press("Enter")
    await go_to(page, "fault-flyte-down")
    await page.keyboard.press("Space")

    await expect_all_once(bench, stage)


async def go_to(page: Page, element_id: str) -> None:
    """Press Tab until the keyboard is there; what has it must be seen to have it."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == element_id:
            style = "getComputedStyle(document.activeElement).outlineStyle"
            assert await page.evaluate(style) == "solid"
            return
    raise AssertionError(f"no way to {element_id} by Tab")


async def test_a_fault_stays_on_and_in_sight_until_it_is_switched_off(bench: WorkbenchPage) -> None:
    await bench.throw("Down", at="Flyte")
    alarm = bench.page.get_by_role("button", name="Flyte: down")
    await expect(alarm).to_be_visible()

    await bench.page.reload()
    await expect(alarm).to_be_visible()
    await alarm.click()
    await bench.page.get_by_role("switch", name="Down").click()

    await expect(alarm).to_have_count(0)


async def test_a_throttling_slack_is_seen_to_refuse_the_post_until_it_takes_it(bench: WorkbenchPage) -> None:
    await bench.throw("Rate limited", at="Slack")
    await bench.say("echo patience")

    await expect(bench.stations.filter(has_text="Slack refuses the post: rate_limited")).not_to_have_count(0)
    await expect(bench.way).to_contain_text("Flyte waits for the answer to the action")
    await bench.throw("Rate limited", at="Slack")

    await expect(bench.message("you said:")).to_contain_text("patience")
    await bench.expect_ledger("Answered", 1)


async def test_what_is_said_while_sockets_are_broken_waits_at_slack_and_then_arrives(bench: WorkbenchPage) -> None:
    await bench.throw("Sockets broken", at="Slack")
    await bench.say("echo are you there")

    await expect(bench.message("are you there")).to_contain_text("waits at Slack")
    await bench.throw("Sockets broken", at="Slack")

    await expect(bench.message("you said:")).to_contain_text("are you there")
