"""People as users of the app in the simulated Slack: they click, choose, and fill in forms."""

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.app_use.forms import FormIncomplete
from entrypoints.simulation.slack.server import SlackServer
from entrypoints.simulation.workspaces.workspace import NotAllowed, UnknownName
from tests.simulation.app_world import (
    DECISION,
    DUE,
    MEETING,
    PEOPLE,
    SIZES,
    TOPPINGS,
    UNNAMED,
    World,
    element,
    field,
    form,
    text,
)
from tests.simulation.slack_app import Json

pytestmark = pytest.mark.usefixtures("responder")


@pytest.fixture
def world(slack: SlackServer, session: aiohttp.ClientSession, web: AsyncWebClient) -> World:
    return World(slack, session, web)


@pytest.mark.parametrize("name", ["approve", "Approve", "APPROVE"])
async def test_a_button_is_clicked_by_its_id_or_its_label(world: World, name: str) -> None:
    ts = await world.post(DECISION)
    click = world.users.click("alice", "#ops", ts, name)
    [action] = click.payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("approve", "decision", "yes")
    assert click.payload["message"]["ts"] == click.payload["container"]["message_ts"] == ts


async def test_an_unknown_element_is_refused_with_the_names_of_those_that_exist(world: World) -> None:
    ts = await world.post(DECISION)
    with pytest.raises(UnknownName) as refusal:
        world.users.click("alice", "#ops", ts, "Aprove")
    names = "Approve (button approve), Choose a size (static_select size)"
    assert str(refusal.value) == f"there is no Aprove; there is: {names}"


async def test_a_message_without_elements_says_so(world: World) -> None:
    ts = await world.post({"type": "divider"})
    with pytest.raises(UnknownName, match="there is no Approve: nothing here can be used"):
        world.users.click("alice", "#ops", ts, "Approve")


async def test_an_element_without_an_id_is_found_by_its_label(world: World) -> None:
    ts = await world.post(UNNAMED)
    [action] = world.users.click("alice", "#ops", ts, "Go").payload["actions"]
    assert action["action_id"]
    assert action["block_id"]


@pytest.mark.parametrize("option", ["large", "Large"])
async def test_an_option_is_chosen_by_its_value_or_its_label(world: World, option: str) -> None:
    ts = await world.post(DECISION)
    [action] = world.users.click("alice", "#ops", ts, "Choose a size", option).payload["actions"]
    assert action["selected_option"] == {"text": text("Large"), "value": "large"}


async def test_an_unknown_option_is_refused_with_those_that_exist(world: World) -> None:
    ts = await world.post(DECISION)
    with pytest.raises(UnknownName, match="there is no option huge; there are: Small, Large"):
        world.users.click("alice", "#ops", ts, "size", "huge")


async def test_several_options_are_chosen_at_once(world: World) -> None:
    ts = await world.post(TOPPINGS)
    [action] = world.users.click("alice", "#ops", ts, "Toppings", ["Cheese", "olives"]).payload["actions"]
    assert [option["value"] for option in action["selected_options"]] == ["cheese", "olives"]


async def test_people_are_chosen_by_their_handles(world: World) -> None:
    ts = await world.post(PEOPLE)
    [action] = world.users.click("alice", "#ops", ts, "who", ["@alice", "bob"]).payload["actions"]
    assert action["selected_users"] == [world.user_id("alice"), world.user_id("bob")]


async def test_dates_and_times_are_as_slack_writes_them(world: World) -> None:
    ts = await world.post(DUE, MEETING)
    [date] = world.users.click("alice", "#ops", ts, "Due", "2026-12-31").payload["actions"]
    [when] = world.users.click("alice", "#ops", ts, "when", "2026-12-31 17:30").payload["actions"]
    assert (date["selected_date"], when["selected_date_time"]) == ("2026-12-31", 1798738200)


async def test_a_date_that_is_none_is_refused(world: World) -> None:
    ts = await world.post(DUE)
    with pytest.raises(NotAllowed, match="tomorrow is not a date such as 2026-12-31"):
        world.users.click("alice", "#ops", ts, "Due", "tomorrow")


async def test_what_was_chosen_stays_in_the_state_of_the_message_for_each_person(world: World) -> None:
    ts = await world.post(DECISION)
    world.users.click("alice", "#ops", ts, "size", "small")
    world.users.click("bob", "#ops", ts, "size", "large")
    values = world.users.click("alice", "#ops", ts, "approve").payload["state"]["values"]
    assert values["decision"]["size"]["selected_option"]["value"] == "small"


async def test_a_message_to_one_person_is_used_by_that_person_only(world: World) -> None:
    ts = await world.show("alice", DECISION)
    click = world.users.click("alice", "#ops", ts, "approve")
    assert click.payload["container"]["is_ephemeral"] is True
    assert "message" not in click.payload
    with pytest.raises(UnknownName, match="there is no message"):
        world.users.click("bob", "#ops", ts, "approve")


async def test_a_message_to_one_person_is_replaced_and_removed(world: World) -> None:
    ts = await world.show("alice", DECISION)
    url = world.users.click("alice", "#ops", ts, "approve").payload["response_url"]
    await world.respond(url, {"text": "thank you", "replace_original": True})
    assert world.shown_to("alice") == ["thank you"]
    assert world.shown_to("bob") == []
    await world.respond(url, {"delete_original": True})
    assert world.shown_to("alice") == []


async def test_a_modal_is_filled_in_submitted_and_gone(world: World) -> None:
    view_id = await world.open_modal("alice", form(field("Title", element("plain_text_input", "title"))))
    modal = world.users.modal("alice")
    assert modal is not None
    assert modal.view["id"] == view_id
    assert world.users.modal("bob") is None

    world.users.fill(view_id, {"Title": "Printer"})
    submission = world.users.submit("alice", view_id)

    values = submission.payload["view"]["state"]["values"]
    assert values["Title"]["title"] == {"type": "plain_text_input", "value": "Printer"}
    await world.until_no_modal("alice")


async def test_a_form_without_its_required_fields_is_not_submitted(world: World) -> None:
    required = field("Title", element("plain_text_input", "title"))
    optional = field("Details", element("plain_text_input", "details"), optional=True)
    view_id = await world.open_modal("alice", form(required, optional))
    with pytest.raises(FormIncomplete) as refusal:
        world.users.submit("alice", view_id)
    assert refusal.value.errors == {"Title": "Please complete this required field."}
    assert world.users.modal("alice") is not None


@pytest.mark.parametrize(
    ("inner", "entered", "error"),
    [
        (element("plain_text_input", "x", min_length=3), "ab", "This must be at least 3 characters long."),
        (element("plain_text_input", "x", max_length=1), "ab", "This must be at most 1 characters long."),
        (element("email_text_input", "x"), "ab", "Please enter a valid email address."),
        (element("url_text_input", "x"), "ab", "Please enter a valid URL."),
        (element("number_input", "x", is_decimal_allowed=False), "1.5", "Please enter a whole number."),
        (
            element("number_input", "x", is_decimal_allowed=True, min_value="2"),
            "1.5",
            "Please enter a number of at least 2.",
        ),
    ],
)
async def test_a_form_with_an_invalid_field_is_not_submitted(
    world: World, inner: Json, entered: str, error: str
) -> None:
    view_id = await world.open_modal("alice", form(field("It", inner)))
    with pytest.raises(FormIncomplete) as refusal:
        world.users.submit("alice", view_id, {"It": entered})
    assert refusal.value.errors == {"It": error}


async def test_a_form_has_the_values_that_its_elements_begin_with(world: World) -> None:
    size = element("static_select", "size", options=SIZES["options"], initial_option=SIZES["options"][1])
    title = element("plain_text_input", "title", initial_value="Printer")
    view_id = await world.open_modal("alice", form(field("Title", title), field("Size", size)))
    values = world.users.submit("alice", view_id, {"Title": "Scanner"}).payload["view"]["state"]["values"]
    assert values["Title"]["title"]["value"] == "Scanner"
    assert values["Size"]["size"]["selected_option"]["value"] == "large"


async def test_an_input_of_a_form_tells_the_app_only_if_it_asks_for_it(world: World) -> None:
    silent = field("Title", element("plain_text_input", "title"))
    telling = field("Size", element("static_select", "size", options=SIZES["options"]), dispatch_action=True)
    view_id = await world.open_modal("alice", form(silent, telling))
    assert world.users.click_in_view("alice", view_id, "Title", "Printer") is None
    told = world.users.click_in_view("alice", view_id, "Size", "Large")
    assert told is not None
    assert told.payload["view"]["state"]["values"]["Title"]["title"]["value"] == "Printer"


async def test_a_closed_modal_is_gone(world: World) -> None:
    view_id = await world.open_modal("alice", form())
    closed = world.users.close_view("alice", view_id)
    assert closed is not None
    assert closed.payload["type"] == "view_closed"
    assert world.users.modal("alice") is None
