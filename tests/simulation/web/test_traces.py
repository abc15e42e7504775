"""The ways of messages, from their saying to their answers."""

from typing import Any

import pytest

from entrypoints.simulation.environment import Sandbox
from tests.simulation.web.conftest import Visitor

_FLOW = """
name: relay
steps:
- id: ask
  event: {packName: Slack, name: ReceivedMessage}
  criteria: "{{ Event.Payload.message | match: '^relay' }}"
  command: {packName: Slack, name: SendMessage, input: {channelId: "{{ Event.Payload.channelId }}", message: "asked"}}
- id: tell
  dependsOn: [ask]
  event: {packName: Slack, name: MessageSent}
  command: {packName: Slack, name: SendMessage, input: {channelId: NOWHERE, message: "told"}}
"""


def kinds(way: dict[str, Any]) -> list[str]:
    return [station["kind"] for station in way["stations"]]


def is_answered(way: dict[str, Any]) -> bool:
    return (way["stage"], way["answers"], way["open_actions"]) == ("delivered", 1, 0)


async def test_an_echo_passes_every_station_in_order(page: Visitor) -> None:
    way = await page.way_when(await page.say("echo hi"), is_answered)

    assert kinds(way) == [
        *("said", "delivered", "received", "safe", "acknowledged", "handed"),
        *("step", "command", "taken", "sent", "answered"),
    ]
    times = [station["ms"] for station in way["stations"]]
    assert times == sorted(times)
    assert times[0] == 0
    assert way["last_ms"] == times[-1]


async def test_safe_comes_before_acknowledged(page: Visitor) -> None:
    for number in range(20):
        way = await page.way_when(await page.say(f"number {number}"), lambda way: way["stage"] == "delivered")
        assert kinds(way).index("safe") < kinds(way).index("acknowledged")


async def test_a_step_that_does_not_run_says_why_and_what_it_saw(page: Visitor) -> None:
    way = await page.way_when(await page.say("hello"), lambda way: "step" in kinds(way))

    (step,) = [station for station in way["stations"] if station["kind"] == "step"]
    assert step["outcome"] == "unmatched"
    assert step["reason"] == "the criteria is not met"
    assert step["rendered"] == "False"
    assert step["seen"] == [["Event.Payload.message", '"hello"']]


async def test_what_follows_from_an_answer_belongs_to_the_same_way(page: Visitor) -> None:
    await page.do("begin-flow", text=_FLOW)

    way = await page.way_when(await page.say("relay"), lambda way: way["answers"] == 2)

    answers = [station for station in way["stations"] if station["kind"] == "answered"]
    assert [answer["event"] for answer in answers] == ["MessageSent", "SendMessageFailed"]
    assert [answer["is_good"] for answer in answers] == [True, False]
    assert way["failed_actions"] == 1
    (refusal,) = [station for station in way["stations"] if station["kind"] == "refused"]
    assert refusal["error"] == "channel_not_found"


async def test_without_a_flow_that_waits_for_messages_this_is_said(page: Visitor) -> None:
    cards = await page.until(lambda cards: any(key.startswith("flow/") for key in cards))
    for key in [key for key in cards if key.startswith("flow/")]:
        await page.do("throw-away-flow", flow=key.removeprefix("flow/"))

    way = await page.way_when(await page.say("echo hi"), lambda way: way["stage"] == "delivered")

    assert kinds(way)[-1] == "no_flow"


async def test_where_the_bot_is_not_nothing_is_heard(page: Visitor) -> None:
    way = await page.way_when(await page.say("echo hi", room="board"), lambda _: True)

    assert way["stage"] == "unheard"
    assert kinds(way) == ["said"]


async def test_a_message_that_the_pack_does_not_listen_for_is_ignored(page: Visitor, stage: Sandbox) -> None:
    storage = stage.storage
    assert storage is not None
    room = stage.workspace.conversation("#ops", "alice")
    await storage.channels.leave(room.id)  # type: ignore[arg-type] # an id is a string

    way = await page.way_when(await page.say("echo hi", room="ops"), lambda way: way["stage"] != "at_slack")

    assert way["stage"] == "ignored"
    assert kinds(way) == ["said", "delivered", "received", "acknowledged"]


@pytest.mark.parametrize("text", ["x" * 30_000, "\n".join(["y"] * 3_000)])
async def test_long_texts_are_shown_shortened(page: Visitor, text: str) -> None:
    key = await page.say(f"echo {text}")
    cards = await page.until(lambda cards: (way := cards.get(f"way/{key}")) and way["answers"])

    assert len(cards[f"message/{key}"]["text"]) == 2_001
    (sent,) = [station for station in cards[f"way/{key}"]["stations"] if station["kind"] == "sent"]
    assert len(sent["text"]) == 2_001


async def test_the_ledger_adds_up(page: Visitor) -> None:
    for text in ("echo one", "two", "echo three"):
        await page.say(text)
    await page.say("not heard", room="board")

    cards = await page.until(lambda cards: cards.get("ledger", {}).get("answered") == 2)

    ledger = cards["ledger"]
    assert (ledger["delivered"], ledger["at_slack"], ledger["in_pack"], ledger["not_for_pack"]) == (3, 0, 0, 1)
    assert (ledger["delivered_again"], ledger["set_aside"], ledger["open_actions"], ledger["failed"]) == (0, 0, 0, 0)
    assert ledger["packs"] == ["Slack"]


async def test_an_event_that_comes_twice_is_counted(page: Visitor, stage: Sandbox) -> None:
    way_key = await page.say("hello")
    await page.way_when(way_key, lambda way: way["stage"] == "delivered")
    stage.flyte.raise_event("Slack", "ReceivedMessage", stage.flyte.events[-1].payload)

    cards = await page.until(lambda cards: cards["ledger"]["delivered_again"] == 1)

    assert kinds(cards[f"way/{way_key}"]).count("handed") == 2
    assert cards["ledger"]["delivered"] == 1


async def test_posts_that_answer_nothing_are_shown_too(page: Visitor, stage: Sandbox) -> None:
    room = stage.workspace.conversation("#general", "alice")
    stage.flyte.queue_action("Slack", "SendMessage", {"channelId": room.id, "message": "of its own accord"})

    cards = await page.until(lambda cards: cards["ledger"]["answered"] == 1)

    assert [
        card["is_bot"] for card in cards.values() if isinstance(card, dict) and card.get("text") == "of its own accord"
    ] == [True]
