"""Talking on the page, and seeing what follows from it."""

import re

from playwright.async_api import Page, expect

from entrypoints.simulation.environment import Sandbox
from tests.page.workbench_page import WorkbenchPage

_WHOLE_WAY = [
    "Slack: Said",
    "Slack: Delivered to the pack",
    "Pack: Received",
    "Pack: Safe in the outbox",
    "Slack: Acknowledged",
    "Flyte: Handed to Flyte: ReceivedMessage",
    "Flyte: Flow echo, step get_message: matched",
    "Flyte: Action for Slack: SendMessage",
    "Pack: Action taken by the pack Slack",
    "Slack: Posted in Slack",
    "Flyte: Answered: MessageSent",
]


async def test_what_is_said_is_answered_and_its_whole_way_stands_there_with_times(bench: WorkbenchPage) -> None:
    await bench.say("echo hi")

    await expect(bench.message("@alice, you said:")).to_contain_text("hi")
    await expect(bench.stations).to_have_count(len(_WHOLE_WAY))
    assert await bench.station_names() == _WHOLE_WAY
    times = await bench.stations.locator("time").all_inner_texts()
    assert all(re.fullmatch(r"\d+(\.\d)? (ms|s)", time) for time in times)
    await bench.expect_ledger("Delivered", 1)
    await bench.expect_ledger("Answered", 1)


async def test_an_answer_shows_the_way_of_the_message_that_it_answers(bench: WorkbenchPage) -> None:
    await bench.say("echo one", "echo two")

    await bench.message("you said:").filter(has_text="one").click()

    await expect(bench.way).to_contain_text("This answers:")
    await expect(bench.way.locator(".chosen")).to_have_text("Alice echo one")


async def test_a_flow_that_does_not_run_says_which_criteria_said_no_and_what_it_saw(bench: WorkbenchPage) -> None:
    await bench.say("good morning")

    station = bench.stations.filter(has_text="Flow echo")
    await expect(station).to_contain_text("the criteria is not met")
    await expect(station).to_contain_text(r"{{ Event.Payload.message | match: '^echo\\s+' }}")
    await expect(station).to_contain_text('"good morning"')
    await expect(station).to_contain_text("False")


async def test_a_reply_stands_in_the_thread_below_what_it_replies_to(bench: WorkbenchPage) -> None:
    await bench.say("echo hi", "a later message")
    await bench.message("echo hi").click()

    await bench.message("echo hi").get_by_role("button", name="Reply").click()
    await bench.say("thank you")

    await expect(bench.articles.filter(has_text=re.compile("said|hi|thank|later"))).to_contain_text(
        ["echo hi", "thank you", "you said:", "a later message"]
    )


async def test_people_edit_react_and_delete(bench: WorkbenchPage) -> None:
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


async def test_anybody_can_talk_anywhere_and_the_bot_is_invited_where_it_should_hear(bench: WorkbenchPage) -> None:
    page = bench.page
    await page.get_by_role("textbox", name="Name of somebody new").fill("Carol")
    await page.get_by_role("button", name="Let them in").click()
    await expect(page.get_by_role("button", name="Carol", pressed=True)).to_be_visible()
    await page.get_by_role("textbox", name="Name of a new channel").fill("#lunch")
    await page.get_by_role("button", name="Open the channel").click()
    await expect(page.get_by_role("heading", name="#lunch")).to_be_visible()

    await bench.say("echo nobody hears this")
    await expect(bench.message("nobody hears")).to_contain_text("not for the pack")
    await page.get_by_role("button", name="Invite flyte").click()
    await expect(page.get_by_text("flyte is here")).to_be_visible()
    await bench.say("echo soup")

    await expect(bench.message("@carol, you said:")).to_contain_text("soup")


async def test_direct_messages_reach_the_bot(bench: WorkbenchPage) -> None:
    await bench.page.get_by_role("button", name="flyte direct").click()
    await expect(bench.page.get_by_role("heading", name="@flyte")).to_be_visible()

    await bench.say("echo between us")

    await expect(bench.message("you said:")).to_contain_text("between us")


async def test_what_cannot_be_done_is_said(bench: WorkbenchPage) -> None:
    await bench.page.get_by_role("textbox", name="Name of a new channel").fill("ops")
    await bench.page.get_by_role("button", name="Open the channel").click()

    await expect(bench.page.get_by_role("alert")).to_have_text("#ops is here already")


async def test_a_reload_keeps_everything(bench: WorkbenchPage, page: Page) -> None:
    await page.get_by_role("button", name="ops").click()
    await page.get_by_role("button", name="Bob").click()
    await bench.say("echo hi")
    await expect(bench.stations).to_have_count(len(_WHOLE_WAY))

    await page.reload()

    await expect(page.get_by_role("heading", name="#ops")).to_be_visible()
    await expect(bench.message("@bob, you said:")).to_be_visible()
    await expect(page.get_by_role("combobox", name="Talk as")).to_have_value(re.compile("U"))
    await expect(bench.stations).to_have_count(len(_WHOLE_WAY))
    await bench.expect_ledger("Answered", 1)


async def test_two_pages_and_the_terminal_see_the_same_conversation(bench: WorkbenchPage, stage: Sandbox) -> None:
    other = WorkbenchPage(await bench.page.context.new_page())
    await other.page.goto(stage.page_url)
    await bench.say("echo from the page")
    workspace = stage.workspace
    workspace.say("bob", workspace.conversation("#general", "bob"), "echo from the terminal")

    for one in (bench, other):
        await expect(one.message("@alice, you said:")).to_contain_text("from the page")
        await expect(one.message("@bob, you said:")).to_contain_text("from the terminal")
