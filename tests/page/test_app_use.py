"""People use the app on the page with the mouse: they click, choose, fill in forms, react and run commands."""

import re

from playwright.async_api import expect

from entrypoints.simulation.environment import Sandbox
from tests.page.workbench_page import WorkbenchPage

_CLICK_STEPS = [
    "Slack: Done",
    "Pack: Received",
    "Pack: Stored in the outbox",
    "Slack: Acknowledged",
    "Flyte: Event accepted: ReceivedBlockAction",
    "Flyte: Flow release, step approve: matched",
    "Flyte: Action created for Slack: UpdateMessage",
    "Pack: Action taken by Slack",
    "Slack: Message updated",
    "Flyte: Action completed: MessageUpdated",
]


async def test_a_click_changes_the_message_which_shows_that_it_changed(release: WorkbenchPage) -> None:
    await release.page.get_by_role("button", name="Approve").click()

    changed = release.message("Released 1.2, approved by @alice 🎉")
    await expect(changed).to_contain_text(re.compile(r"updated \d\d:\d\d:\d\d"))
    await expect(release.page.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(release.page.get_by_role("status").filter(has_text="flyte changed a message: Released")).to_have_count(
        1
    )


async def test_a_click_has_a_trace_of_its_own(release: WorkbenchPage) -> None:
    await release.page.get_by_role("button", name="Approve").click()

    await expect(release.message("clicks “Approve”")).to_contain_text("answered in")
    await expect(release.trace.locator(".quote")).to_have_text("Alice clicks “Approve”")
    labels = [label for label in await release.step_labels() if "criteria are not met" not in label]
    assert labels == _CLICK_STEPS


async def test_a_button_asks_for_confirmation_if_the_app_wants_it(release: WorkbenchPage) -> None:
    dialog = release.page.get_by_role("dialog", name="Reject the release?")
    await release.page.get_by_role("button", name="Reject").click()
    await dialog.get_by_role("button", name="Keep it").click()
    await expect(dialog).to_have_count(0)
    await expect(release.message("clicks")).to_have_count(0)

    await release.page.get_by_role("button", name="Reject").click()
    await dialog.get_by_role("button", name="Reject it").click()

    await expect(release.message("Only you know that you rejected it.")).to_contain_text("only visible to you")


async def test_a_message_to_one_person_is_seen_by_that_person_alone(release: WorkbenchPage) -> None:
    await release.page.get_by_role("button", name="Reject").click()
    await release.page.get_by_role("button", name="Reject it").click()
    ephemeral = release.message("Only you know that you rejected it.")
    await expect(ephemeral).to_have_count(1)

    await release.page.get_by_role("button", name="Bob").click()

    await expect(ephemeral).to_have_count(0)


async def test_an_option_is_chosen_and_stays_chosen(release: WorkbenchPage) -> None:
    where = release.page.get_by_role("combobox", name="Where to")
    await where.select_option("Production")

    await expect(release.message("It goes to production.")).to_be_visible()
    await expect(where).to_have_value("production")


async def test_a_modal_is_filled_in_and_submitted(release: WorkbenchPage) -> None:
    await release.page.get_by_role("button", name="Plan …").click()
    dialog = release.page.get_by_role("dialog", name="Plan a release")
    await expect(dialog.get_by_role("textbox", name="Title")).to_be_focused()
    await dialog.get_by_role("textbox", name="Title").fill("The big one")
    await dialog.get_by_label("Day").fill("2026-12-31")
    await dialog.get_by_role("radio", name="High").check()
    await dialog.get_by_label("Tell: Choose people").click()
    await dialog.get_by_role("checkbox", name="Bob").check()
    await dialog.get_by_role("button", name="Plan", exact=True).click()

    await expect(release.message("Planned: The big one on 2026-12-31, high risk.")).to_be_visible()
    await expect(dialog).to_have_count(0)


async def test_a_form_without_its_required_fields_says_so_beside_them(release: WorkbenchPage) -> None:
    await release.page.get_by_role("button", name="Plan …").click()
    dialog = release.page.get_by_role("dialog", name="Plan a release")
    await dialog.get_by_label("Day").fill("2026-12-31")
    await dialog.get_by_role("button", name="Plan", exact=True).click()

    title = dialog.get_by_role("textbox", name="Title")
    await expect(title).to_be_focused()
    await expect(title).to_have_accessible_description("As it will be announced. Please complete this required field.")
    await expect(dialog.get_by_text("Please complete this required field.")).to_have_count(2)
    await expect(dialog.get_by_label("Day")).to_have_value("2026-12-31")


async def test_a_reaction_is_added_and_taken_back(release: WorkbenchPage) -> None:
    question = release.message("release 1.2").first
    await question.get_by_role("button", name="React").click()
    await question.get_by_role("button", name="eyes").click()
    reaction = question.get_by_role("button", name="eyes, 1: @alice", pressed=True)
    await expect(release.message("@alice looks at it.")).to_be_visible()

    await reaction.click()

    await expect(reaction).to_have_count(0)
    await expect(release.message("takes back 👀")).to_have_count(1)


async def test_a_slash_offers_commands_and_the_chosen_one_runs(release: WorkbenchPage) -> None:
    await release.text.fill("/")
    await release.page.get_by_role("option", name="/release").click()
    await expect(release.text).to_have_value("/release ")
    await release.text.press_sequentially("1.3")
    await release.text.press("Enter")

    await expect(release.message("Release 1.3 is on its way.")).to_be_visible()
    await expect(release.message("runs /release 1.3")).to_contain_text("answered in")


async def test_two_slashes_begin_a_message(release: WorkbenchPage) -> None:
    await release.send("//release is a command")

    await expect(release.message("/release is a command")).to_contain_text("no flow ran")


async def test_shortcuts_have_menus_beside_the_message_field_and_at_messages(release: WorkbenchPage) -> None:
    question = release.message("release 1.2").first
    await question.get_by_role("button", name="Shortcuts").click()
    await release.page.get_by_role("menuitem", name="pin_it").click()
    await expect(question.get_by_role("button", name="pushpin, 1: @flyte")).to_be_visible()

    await release.page.locator("#composer").get_by_role("button", name="Shortcuts").click()
    await release.page.get_by_role("menuitem", name="start_release").click()

    await expect(release.page.get_by_role("dialog", name="Plan a release")).to_be_visible()


async def test_a_shortcut_that_no_flow_names_is_used_by_its_callback_id(release: WorkbenchPage) -> None:
    await release.page.locator("#composer").get_by_role("button", name="Shortcuts").click()
    await release.page.get_by_role("menuitem", name="Other …").click()
    await release.page.get_by_role("textbox", name="Its callback id").fill("start_release")
    await release.page.get_by_role("button", name="Use", exact=True).click()

    await expect(release.page.get_by_role("dialog", name="Plan a release")).to_be_visible()


async def test_an_uploaded_file_is_listed(release: WorkbenchPage) -> None:
    await release.text.fill("the plan")
    field = release.page.get_by_label("Attach a file")
    await field.set_input_files({"name": "plan.txt", "mimeType": "text/plain", "buffer": b"be careful"})

    files = release.message("the plan").get_by_role("list", name="Files")
    await expect(files).to_have_text(re.compile("plan.txt.*text/plain, 10 B"))
    await expect(release.text).to_have_value("")


async def test_a_click_that_the_app_does_not_acknowledge_says_so(release: WorkbenchPage) -> None:
    await release.toggle_fault("Sockets broken", at="Slack")
    await release.page.get_by_role("button", name="Approve").click()

    await expect(release.page.get_by_role("alert")).to_have_text("the app did not take it: no connection")
    await expect(release.message("clicks “Approve”")).to_contain_text("not acknowledged")


async def test_the_home_tab_shows_what_the_app_publishes(release: WorkbenchPage, sandbox: Sandbox) -> None:
    await release.page.get_by_role("button", name="flyte direct").click()
    await release.page.get_by_role("button", name="Home").click()
    home = release.page.get_by_role("region", name="Home of the app")
    await expect(home).to_contain_text("The app has published nothing here yet.")

    user = await release.speaker()
    view = {"type": "home", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "Welcome"}}]}
    sandbox.flyte.queue_action("Slack", "PublishHome", {"userId": user, "view": view})

    await expect(home.get_by_role("heading", name="Welcome")).to_be_visible()
