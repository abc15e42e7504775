"""The switches for faults: what each does to a message, and that all is well again afterwards."""

import pytest

from entrypoints.simulation.environment import Sandbox
from tests.simulation.web.conftest import Visitor


async def turn(page: Visitor, fault: str, *, on: bool) -> None:
    assert await page.do("switch", fault=fault, on=on) == {}


async def test_every_switch_says_what_it_does_and_is_off_at_first(page: Visitor) -> None:
    switches = (await page.until(lambda cards: "faults" in cards))["faults"]

    assert {switch["end"] for switch in switches} == {"Slack", "Flyte"}
    assert all(switch["title"] and switch["effect"] and not switch["on"] for switch in switches)


@pytest.mark.parametrize(
    ("fault", "stage_meanwhile"),
    [("flyte-down", "in_pack"), ("flyte-500", "in_pack"), ("slack-drop", "at_slack"), ("slack-silence", "at_slack")],
)
async def test_a_message_waits_while_the_fault_is_on(page: Visitor, fault: str, stage_meanwhile: str) -> None:
    await turn(page, fault, on=True)
    key = await page.say("echo hi")
    await page.way_when(key, lambda way: way["stage"] == stage_meanwhile)
    cards = await page.until(lambda cards: cards["ledger"][stage_meanwhile] == 1)

    assert cards["ledger"]["delivered"] == 0
    assert [switch["name"] for switch in cards["faults"] if switch["on"]] == [fault]


@pytest.mark.parametrize("fault", ["flyte-down", "flyte-500", "slack-drop", "slack-429", "slack-500", "flyte-slow"])
async def test_a_message_is_answered_once_the_fault_is_off(page: Visitor, fault: str) -> None:
    await turn(page, fault, on=True)
    key = await page.say("echo hi")
    await turn(page, fault, on=False)

    way = await page.way_when(key, lambda way: way["answers"])

    assert way["failed_actions"] == 0
    assert [station["kind"] for station in way["stations"]].count("sent") == 1


async def test_a_post_without_an_answer_is_not_made_twice(page: Visitor, stage: Sandbox) -> None:
    await turn(page, "slack-no-answer", on=True)
    key = await page.say("echo hi")
    way = await page.way_when(key, lambda way: way["stations"][-1]["kind"] == "sent")
    await turn(page, "slack-no-answer", on=False)

    assert way["open_actions"] == 1
    assert len(stage.flyte.unfinished()) == 1


async def test_turning_a_switch_where_it_is_already_does_nothing(page: Visitor) -> None:
    await turn(page, "flyte-down", on=False)
    await turn(page, "flyte-down", on=True)
    await turn(page, "flyte-down", on=True)
    await turn(page, "flyte-down", on=False)

    assert (await page.way_when(await page.say("echo hi"), lambda way: way["answers"]))["failed_actions"] == 0


@pytest.mark.parametrize("fault", ["flyte-down", "slack-silence", "slack-no-answer"])
async def test_a_simulation_ends_with_a_fault_on(page: Visitor, fault: str) -> None:
    await turn(page, fault, on=True)
    await page.say("echo hi")
