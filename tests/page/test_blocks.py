"""Blocks on the page: each kind as Slack shows it, and nothing from elsewhere."""

from collections.abc import Sequence
from typing import Any, cast

from playwright.async_api import Locator, expect

from entrypoints.simulation.environment import Sandbox
from tests.page.workbench_page import WorkbenchPage

Block = dict[str, Any]

_HTML = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def options(*names: str) -> list[Block]:
    return [{"text": plain(name), "value": name.lower()} for name in names]


def rich_text(*elements: Block) -> Block:
    return {"type": "rich_text", "elements": list(elements)}


def texts(*texts: str, style: Block | None = None) -> list[Block]:
    return [{"type": "text", "text": text, **({"style": style} if style else {})} for text in texts]


async def post(bench: WorkbenchPage, sandbox: Sandbox, blocks: Sequence[Block], **fields: object) -> Locator:
    """Lets the bot post blocks; returns the message."""
    channel = sandbox.workspace.conversation("#general", "alice").id
    message = {"channel": channel, "text": "blocks", "blocks": list(blocks), **fields}
    sandbox.flyte.queue_action("Slack", "SendRichMessage", message)
    shown = bench.articles.filter(has=bench.page.get_by_text("app", exact=True)).last
    await expect(shown).to_be_visible()
    return shown


async def test_dates_and_groups_of_people_are_shown_as_texts_and_mentions(
    bench: WorkbenchPage, sandbox: Sandbox
) -> None:
    text = "<!date^1392734382^{date}|on Tuesday> for <!subteam^S1|@ops>, <!subteam^S2> and <!here>"
    message = await post(bench, sandbox, [{"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}])

    await expect(message).to_contain_text("on Tuesday for @ops, @S2 and @here")
    await expect(message.locator(".mention")).to_have_text(["@ops", "@S2", "@here"])


async def test_texts_are_shown_with_their_formatting(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    section = {"type": "rich_text_section", "elements": texts("bold", style={"bold": True})}
    listed = {"type": "rich_text_section", "elements": texts("first")}
    message = await post(
        bench,
        sandbox,
        [
            {"type": "header", "text": plain("Title :tada:")},
            {"type": "markdown", "text": "# Heading\n- **strong** and `code`\n[a link](https://example.com/)"},
            rich_text(section, {"type": "rich_text_list", "style": "ordered", "elements": [listed]}),
            {"type": "divider"},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "_small_ print"}]},
        ],
    )

    await expect(message.get_by_role("heading", name="Title 🎉")).to_be_visible()
    await expect(message.get_by_role("strong")).to_have_text(["flyte", "strong", "bold"])
    await expect(message.get_by_role("code")).to_have_text("code")
    await expect(message.get_by_role("link", name="a link")).to_have_attribute("href", "https://example.com/")
    await expect(message.locator("ol").get_by_role("listitem")).to_have_text("first")
    await expect(message.get_by_role("separator")).to_have_count(1)
    await expect(message.get_by_role("emphasis")).to_have_text("small")


async def test_a_table_has_its_first_row_as_headers(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    rows = [[{"type": "raw_text", "text": text} for text in row] for row in (("Service", "State"), ("shop", "up"))]
    message = await post(bench, sandbox, [{"type": "table", "rows": rows}])

    await expect(message.get_by_role("columnheader")).to_have_text(["Service", "State"])
    await expect(message.get_by_role("cell")).to_have_text(["shop", "up"])


async def test_pictures_are_described_and_never_loaded(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    url = "https://example.com/cat.png"
    message = await post(
        bench, sandbox, [{"type": "image", "image_url": url, "alt_text": "a sleeping cat", "title": plain("Cat")}]
    )

    await expect(message).to_contain_text(f"Cat a sleeping cat {url}")
    await expect(message.locator("img")).to_have_count(0)


async def test_a_block_that_the_page_does_not_draw_is_a_labelled_box(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    video = {
        "type": "video",
        "title": plain("How to"),
        "alt_text": "a video",
        "thumbnail_url": "https://example.com/a.png",
        "video_url": "https://example.com/a.mp4",
    }
    message = await post(bench, sandbox, [video])

    await message.get_by_text("Block of type “video”, which this page does not draw").click()
    await expect(message).to_contain_text('"alt_text": "a video"')


async def test_attachments_have_their_texts_and_fields(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    attachment = {
        "color": "danger",
        "pretext": "look",
        "title": "Disk full",
        "text": "on *db1*",
        "fields": [{"title": "Since", "value": "noon"}],
    }
    message = await post(bench, sandbox, [], attachments=[attachment])

    await expect(message).to_contain_text("look")
    await expect(message.get_by_role("strong")).to_have_text(["flyte", "Disk full", "db1"])
    await expect(message.get_by_role("term")).to_have_text("Since")
    await expect(message.get_by_role("definition")).to_have_text("noon")


_ELEMENTS: list[Block] = [
    {"type": "overflow", "action_id": "more", "options": options("Archive", "Mute")},
    {"type": "checkboxes", "action_id": "boxes", "options": options("Cheese", "Olives")},
    {"type": "datepicker", "action_id": "day", "placeholder": plain("Day")},
    {"type": "timepicker", "action_id": "time", "placeholder": plain("Time")},
    {"type": "users_select", "action_id": "who", "placeholder": plain("Who")},
    {"type": "channels_select", "action_id": "place", "placeholder": plain("Place")},
    {
        "type": "multi_static_select",
        "action_id": "some",
        "placeholder": plain("Some"),
        "options": options("One", "Two"),
    },
    {"type": "external_select", "action_id": "other", "placeholder": plain("Other")},
]


async def test_each_kind_of_element_tells_the_app_what_was_chosen(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    message = await post(bench, sandbox, [{"type": "actions", "elements": _ELEMENTS}])

    await message.get_by_role("button", name="more").click()
    await message.get_by_role("menuitem", name="Mute").click()
    await message.get_by_role("checkbox", name="Cheese").check()
    await message.get_by_role("checkbox", name="Olives").check()
    await message.get_by_label("Day").fill("2026-12-31")
    await message.get_by_label("Time").fill("17:30")
    await message.get_by_label("Who").select_option("Bob")
    await message.get_by_label("Place").select_option("#ops")
    await message.get_by_label("Some: Some").click()
    await message.get_by_role("checkbox", name="Two").check()
    await message.get_by_role("textbox", name="Other").fill("else")
    await message.get_by_role("textbox", name="Other").press("Enter")

    await expect(bench.message("in other")).to_contain_text("no flow ran")
    _, bob = await ids_of_people(bench)
    ops = sandbox.workspace.conversation("#ops", "alice").id
    payloads = [cast("Block", event.payload) for event in sandbox.flyte.events if event.name == "ReceivedBlockAction"]
    assert [(payload["actionId"], payload["values"]) for payload in payloads] == [
        ("more", ["mute"]),
        ("boxes", ["cheese"]),
        ("boxes", ["cheese", "olives"]),
        ("day", ["2026-12-31"]),
        ("time", ["17:30"]),
        ("who", [bob]),
        ("place", [ops]),
        ("some", ["two"]),
        ("other", ["else"]),
    ]


async def ids_of_people(bench: WorkbenchPage) -> list[str]:
    options = bench.page.get_by_role("combobox", name="Speak as").locator("option")
    return [str(await option.get_attribute("value")) for option in await options.all()]


async def test_html_in_blocks_stays_text(bench: WorkbenchPage, sandbox: Sandbox) -> None:
    message = await post(
        bench,
        sandbox,
        [
            {"type": "header", "text": plain(_HTML)},
            {"type": "section", "text": plain(_HTML), "fields": [plain(_HTML)]},
            {"type": "markdown", "text": f"{_HTML} [x](javascript:alert)"},
            {"type": "image", "image_url": "javascript:alert(1)", "alt_text": _HTML},
            rich_text(
                {
                    "type": "rich_text_section",
                    "elements": [*texts(_HTML), {"type": "link", "url": "javascript:alert(1)", "text": "click"}],
                }
            ),
            {
                "type": "actions",
                "elements": [
                    {"type": "button", "action_id": _HTML, "text": plain(_HTML), "url": "javascript:alert(1)"},
                    {"type": "static_select", "placeholder": plain(_HTML), "options": options(_HTML)},
                ],
            },
        ],
        attachments=[{"title": _HTML, "title_link": "javascript:alert(1)", "text": _HTML, "color": 'red"><b>'}],
    )

    await expect(message.get_by_role("heading")).to_have_text(_HTML)
    assert await bench.page.locator("main :is(img, script, b)").count() == 0
    assert await bench.page.locator("main a").count() == 0
