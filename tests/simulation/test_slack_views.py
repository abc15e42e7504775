"""Modals and Home tabs of the simulated Slack."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import Json, error_of

TEXT = {"type": "plain_text", "text": "x"}
INPUT = {"type": "input", "label": TEXT, "element": {"type": "plain_text_input"}}


def modal(**fields: Any) -> Json:
    return {"type": "modal", "title": TEXT, "blocks": [], **fields}


async def test_a_trigger_opens_one_modal(slack: SlackServer, web: AsyncWebClient) -> None:
    trigger_id = slack.new_trigger("alice")
    view = (await web.views_open(trigger_id=trigger_id, view=modal(callback_id="form", private_metadata="m")))["view"]
    assert (view["type"], view["callback_id"], view["private_metadata"]) == ("modal", "form", "m")
    assert (view["root_view_id"], view["previous_view_id"], view["state"]) == (view["id"], None, {"values": {}})
    assert view["hash"]
    assert await error_of(web.views_open(trigger_id=trigger_id, view=modal())) == "exchanged_trigger_id"


async def test_a_trigger_expires_after_three_seconds(slack: SlackServer, web: AsyncWebClient) -> None:
    early, late = slack.new_trigger("alice"), slack.new_trigger("alice")
    slack.clock_offset_seconds = 2
    assert (await web.views_open(trigger_id=early, view=modal()))["ok"]
    slack.clock_offset_seconds = 4
    assert await error_of(web.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"


async def test_an_unknown_trigger_is_invalid(web: AsyncWebClient) -> None:
    assert await error_of(web.views_open(trigger_id="1.2.abc", view=modal())) == "invalid_trigger_id"


async def test_three_modals_can_be_stacked(slack: SlackServer, web: AsyncWebClient) -> None:
    root = (await web.views_open(trigger_id=slack.new_trigger("alice"), view=modal()))["view"]
    second = (await web.views_push(trigger_id=slack.new_trigger("alice"), view=modal()))["view"]
    assert (second["root_view_id"], second["previous_view_id"]) == (root["id"], root["id"])
    await web.views_push(trigger_id=slack.new_trigger("alice"), view=modal())
    fourth = web.views_push(trigger_id=slack.new_trigger("alice"), view=modal())
    assert await error_of(fourth) == "push_limit_reached"


async def test_a_modal_cannot_be_pushed_onto_none(slack: SlackServer, web: AsyncWebClient) -> None:
    assert await error_of(web.views_push(trigger_id=slack.new_trigger("alice"), view=modal())) == "not_found"


async def test_a_view_is_updated_by_its_id_or_external_id(slack: SlackServer, web: AsyncWebClient) -> None:
    view = (await web.views_open(trigger_id=slack.new_trigger("alice"), view=modal(external_id="e")))["view"]
    changed = (await web.views_update(view_id=view["id"], hash=view["hash"], view=modal(external_id="e")))["view"]
    assert (changed["id"], changed["hash"] != view["hash"]) == (view["id"], True)
    changed = (await web.views_update(external_id="e", view=modal(title={"type": "plain_text", "text": "new"})))["view"]
    assert (changed["id"], changed["title"]["text"]) == (view["id"], "new")


async def test_an_update_with_an_old_hash_conflicts(slack: SlackServer, web: AsyncWebClient) -> None:
    view = (await web.views_open(trigger_id=slack.new_trigger("alice"), view=modal()))["view"]
    await web.views_update(view_id=view["id"], view=modal())
    assert await error_of(web.views_update(view_id=view["id"], hash=view["hash"], view=modal())) == "hash_conflict"


async def test_an_unknown_view_is_not_found(web: AsyncWebClient) -> None:
    assert await error_of(web.views_update(view_id="V404", view=modal())) == "not_found"


async def test_an_external_id_is_unique(slack: SlackServer, web: AsyncWebClient) -> None:
    await web.views_open(trigger_id=slack.new_trigger("alice"), view=modal(external_id="e"))
    second = web.views_open(trigger_id=slack.new_trigger("alice"), view=modal(external_id="e"))
    assert await error_of(second) == "duplicate_external_id"


async def test_a_home_tab_is_published_for_a_user(slack: SlackServer, web: AsyncWebClient) -> None:
    alice = slack.workspace.user("alice").user_id
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    view = (await web.views_publish(user_id=alice, view=home))["view"]
    again = (await web.views_publish(user_id=alice, view=home, hash=view["hash"]))["view"]
    assert (view["type"], again["id"]) == ("home", view["id"])
    assert await error_of(web.views_publish(user_id=alice, view=home, hash=view["hash"])) == "hash_conflict"
    assert await error_of(web.views_publish(user_id="U404", view=home)) == "user_not_found"


@pytest.mark.parametrize(
    ("view", "message"),
    [
        ({}, "missing required field: type [json-pointer:/view]"),
        ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
        (
            modal(title={"type": "plain_text", "text": "x" * 25}),
            "must be less than 25 characters [json-pointer:/view/title/text]",
        ),
        (modal(blocks=[{"type": "divider"}] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal(blocks=[{"type": "table"}]), "unsupported type: table [json-pointer:/view/blocks/0/type]"),
        (
            modal(blocks=[INPUT]),
            "must define `submit` to use an `input` block in modals [json-pointer:/view/blocks/0/input]",
        ),
        ({"type": "home", "blocks": []}, "must be a valid enum value [json-pointer:/view/type]"),
    ],
)
async def test_an_invalid_view_is_refused_with_the_place(
    view: Json, message: str, slack: SlackServer, web: AsyncWebClient
) -> None:
    with pytest.raises(SlackApiError) as refusal:
        await web.views_open(trigger_id=slack.new_trigger("alice"), view=view)
    assert refusal.value.response["error"] == "invalid_arguments"
    assert f"[ERROR] {message}" in refusal.value.response["response_metadata"]["messages"]


async def test_a_refused_view_does_not_use_up_the_trigger(slack: SlackServer, web: AsyncWebClient) -> None:
    trigger_id = slack.new_trigger("alice")
    await error_of(web.views_open(trigger_id=trigger_id, view={}))
    assert (await web.views_open(trigger_id=trigger_id, view=modal(blocks=[INPUT], submit=TEXT)))["ok"]
