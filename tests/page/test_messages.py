"""Messages on the page and their traces."""

import re

from playwright.async_api import Page, expect

from entrypoints.simulation.environment import Sandbox
from tests.page.workbench_page import WorkbenchPage

_ALL_STEPS = [
    "Slack: Posted",
    "Slack: Delivered to the pack",
    "Pack: Received",
    "Pack: Stored in the outbox",
    "Slack: Acknowledged",
    "Flyte: Event accepted: ReceivedMessage",
    "Flyte: Flow echo, step get_message: matched",
    "Flyte: Action created for Slack: SendMessage",
    "Pack: Action taken by Slack",
    "Slack: Reply posted",
    "Flyte: Action completed: MessageSent",
]


async def test_a_message_is_answered_and_its_trace_shows_every_step_with_times(bench: WorkbenchPage) -> None:
    await bench.say("echo hi")

    await expect(bench.message("@alice, you said:")).to_contain_text("hi")
    await expect(bench.steps).to_have_count(len(_ALL_STEPS))
    assert await bench.step_labels() == _ALL_STEPS
    times = await bench.steps.locator("time").all_inner_texts()
    assert all(re.fullmatch(r"\d+(\.\d)? (ms|s)", time) for time in times)
    await bench.expect_count("Delivered", 1)
    await bench.expect_count("Succeeded", 1)


async def test_selecting_a_reply_shows_the_trace_of_the_original_message(bench: WorkbenchPage) -> None:
    await bench.say("echo one", "echo two")

    await bench.message("you said:").filter(has_text="one").click()

    await expect(bench.trace).to_contain_text("Reply to:")
    await expect(bench.trace.locator(".quote")).to_have_text("Alice echo one")


async def test_an_unmatched_flow_shows_its_criteria_and_their_values(bench: WorkbenchPage) -> None:
    await bench.say("good morning")

    step = bench.steps.filter(has_text="Flow echo")
    await expect(step).to_contain_text("the criteria are not met")
    await expect(step).to_contain_text(r'{{ Event.Payload.message | match: "^echo\\s+" }}')
    await expect(step).to_contain_text('"good morning"')
    await expect(step).to_contain_text("False")


async def test_a_reply_is_shown_in_the_thread_below_its_parent(bench: WorkbenchPage) -> None:
    await bench.say("echo hi", "a later message")
    await bench.message("echo hi").click()

    await bench.message("echo hi").get_by_role("button", name="Reply").click()
    await bench.say("thank you")

    await expect(bench.articles.filter(has_text=re.compile("said|hi|thank|later"))).to_contain_text(
        ["echo hi", "thank you", "you said:", "a later message"]
    )


async def test_messages_can_be_edited_reacted_to_and_deleted(bench: WorkbenchPage) -> None:
    await bench.say("echo <one> & @bob")
    message = bench.message("<one> & @bob").first

    await message.get_by_role("button", name="Edit").click()
    await expect(bench.text).to_have_value("echo <one> & @bob")
    await bench.text.fill("something else")
    await bench.text.press("Enter")
    message = bench.message("something else")
    await expect(message).to_contain_text("edited")
    await message.get_by_role("button", name="React").click()
    await message.get_by_role("button", name="tada").click()
    await expect(message.get_by_role("button", name="tada, 1: @alice")).to_be_visible()
    await message.get_by_role("button", name="Delete").click()
    await expect(message).to_have_count(0)


async def test_people_and_channels_can_be_added_and_the_bot_invited(bench: WorkbenchPage) -> None:
    page = bench.page
    await page.get_by_role("textbox", name="Name of the new person").fill("Carol")
    await page.get_by_role("button", name="Add person").click()
    await expect(page.get_by_role("button", name="Carol", pressed=True)).to_be_visible()
    await page.get_by_role("textbox", name="Name of the new channel").fill("#lunch")
    await page.get_by_role("button", name="Add channel").click()
    await expect(page.get_by_role("heading", name="#lunch")).to_be_visible()

    await bench.say("echo no one receives this")
    await expect(bench.message("no one receives")).to_contain_text("not for the pack")
    await page.get_by_role("button", name="Invite flyte").click()
    await expect(page.get_by_text("flyte is a member")).to_be_visible()
    await bench.say("echo soup")

    await expect(bench.message("@carol, you said:")).to_contain_text("soup")


async def test_direct_messages_reach_the_bot(bench: WorkbenchPage) -> None:
    await bench.page.get_by_role("button", name="flyte direct").click()
    await expect(bench.page.get_by_role("heading", name="@flyte")).to_be_visible()

    await bench.say("echo between us")

    await expect(bench.message("you said:")).to_contain_text("between us")


async def test_a_rejected_action_shows_its_error(bench: WorkbenchPage) -> None:
    await bench.page.get_by_role("textbox", name="Name of the new channel").fill("ops")
    await bench.page.get_by_role("button", name="Add channel").click()

    await expect(bench.page.get_by_role("alert")).to_have_text("#ops already exists")


async def test_a_reload_keeps_the_selection_and_the_messages(bench: WorkbenchPage, page: Page) -> None:
    await page.get_by_role("button", name="ops").click()
    await page.get_by_role("button", name="Bob").click()
    await bench.say("echo hi")
    await expect(bench.steps).to_have_count(len(_ALL_STEPS))

    await page.reload()

    await expect(page.get_by_role("heading", name="#ops")).to_be_visible()
    await expect(bench.message("@bob, you said:")).to_be_visible()
    await expect(page.get_by_role("combobox", name="Speak as")).to_have_value(re.compile("U"))
    await expect(bench.steps).to_have_count(len(_ALL_STEPS))
    await bench.expect_count("Succeeded", 1)


async def test_two_pages_and_the_terminal_show_the_same_messages(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    other = WorkbenchPage(await bench.page.context.new_page())
    await other.page.goto(sandbox.page_url)
    await bench.say("echo from the page")
    workspace = sandbox.workspace
    workspace.say("bob", workspace.conversation("#general", "bob"), "echo from the terminal")

    for one in (bench, other):
        await expect(one.message("@alice, you said:")).to_contain_text("from the page")
        await expect(one.message("@bob, you said:")).to_contain_text("from the terminal")
