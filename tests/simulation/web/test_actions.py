"""What people do by the page, done and refused."""

from typing import Any

import pytest

from entrypoints.simulation.environment import Sandbox
from tests.simulation.web.conftest import Visitor

_THERE = {"person": "alice", "room": "general"}


async def message(page: Visitor, key: str) -> Any:
    return (await page.until(lambda cards: f"message/{key}" in cards))[f"message/{key}"]


async def test_what_is_typed_is_passed_on_as_slack_does(page: Visitor) -> None:
    key = await page.say("a < b & <!channel> for @bob in #ops, not @nobody")

    text = (await message(page, key))["text"]

    assert text.startswith("a &lt; b &amp; &lt;!channel&gt; for <@U")
    assert "<#C" in text
    assert text.endswith("|ops>, not @nobody")


async def test_the_board_shows_what_was_done_by_the_time_of_the_answer(page: Visitor) -> None:
    key = await page.say("hello")
    room, ts = key.split("/")

    await page.do("edit", room=room, ts=ts, text="good day")
    await page.do("react", room=room, ts=ts, person="bob", emoji=":eyes:")

    card = await message(page, key)
    assert (card["text"], card["is_edited"]) == ("good day", True)
    assert [reaction["name"] for reaction in card["reactions"]] == ["eyes"]


async def test_a_deleted_message_is_gone_and_its_way_too(page: Visitor) -> None:
    room, ts = (await page.say("hello")).split("/")

    await page.do("delete", room=room, ts=ts)

    cards = await page.until(lambda cards: "rooms" in cards)
    assert f"message/{room}/{ts}" not in cards
    assert f"way/{room}/{ts}" not in cards


async def test_the_bot_comes_and_goes(page: Visitor, stage: Sandbox) -> None:
    bot = next(person for person in (await page.until(lambda cards: "people" in cards))["people"] if person["is_bot"])

    assert await page.do("invite", room="board", person=bot["id"]) == {}
    assert stage.workspace.conversation("#board", "alice").has_bot
    assert await page.do("kick", room="board", person=bot["id"]) == {}
    assert not stage.workspace.conversation("#board", "alice").has_bot


@pytest.mark.parametrize(
    ("deed", "particulars", "error"),
    [
        ("fly", {}, "nothing can be done that is called fly"),
        ("say", {}, "person is missing"),
        ("say", {"person": "alice", "room": 7, "text": "x"}, "room is missing"),
        ("say", {"person": "eve", "room": "general", "text": "x"}, "there is no user 'eve'"),
        ("say", {"person": "alice", "room": "nowhere", "text": "x"}, "there is no channel 'nowhere'"),
        ("say", {**_THERE, "text": ""}, "text is missing"),
        ("say", {**_THERE, "text": "x" * 100_001}, "text is longer than 100,000 characters"),
        ("say", {**_THERE, "text": "\ud800"}, "text has characters that are none"),
        ("say", {**_THERE, "text": "x", "thread": "1.000000"}, "the message that you reply to is not there any more"),
        ("edit", {"room": "general", "ts": "1.000000", "text": "x"}, "that message is not there any more"),
        ("delete", {"room": "general", "ts": "1.000000"}, "that message is not there any more"),
        ("react", {**_THERE, "ts": "1.000000", "emoji": "x"}, "that message is not there any more"),
        ("kick", {"room": "general", "person": "flyte"}, "nobody can be removed from #general"),
        ("add-room", {"name": "#ops"}, "#ops is here already"),
        ("add-room", {"name": "a b"}, "a name begins with a letter or digit"),
        ("add-room", {"name": "x" * 81}, "name is longer than 80 characters"),
        ("add-person", {"name": "@Alice"}, "alice is here already"),
        ("add-person", {"name": "<b>"}, "a name begins with a letter or digit"),
        ("write-flow", {"flow": "flow-99", "text": "x"}, "there is no flow flow-99 any more"),
        ("throw-away-flow", {"flow": "flow-99"}, "there is no flow flow-99 any more"),
        ("switch", {"fault": "no-such", "on": True}, "there is no fault called no-such"),
        ("switch", {"fault": "flyte-down", "on": "yes"}, "on has to be true or false"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_reason(
    page: Visitor, deed: str, particulars: dict[str, object], error: str
) -> None:
    answer = await page.do(deed, **particulars)

    assert error in answer["error"]


async def test_nobody_edits_what_the_bot_said(page: Visitor) -> None:
    key = await page.say("echo hi")
    way = await page.way_when(key, lambda way: way["answers"])
    (sent,) = [station for station in way["stations"] if station["kind"] == "sent"]

    answer = await page.do("edit", room=sent["room"], ts=sent["ts"], text="x")

    assert answer == {"error": "what the bot said is the bot's to edit"}


async def test_nobody_is_invited_into_direct_messages(page: Visitor) -> None:
    room = (await page.do("open-direct", person="alice"))["room"]

    answer = await page.do("invite", room=room, person="bob")

    assert answer == {"error": "these are direct messages: nobody comes or goes"}
