"""Keys whose first post is in doubt, interrupted by a kill, or refused."""

import pytest

from adapters.serialization.command_inputs import parse_command
from adapters.serialization.event_payloads import event_payload
from application.policies import WhenInDoubt
from domain.channels import ChannelId
from domain.errors import ChatRejected, InDoubt, RateLimited, Unreachable
from tests.support.environment import World, pack_settings
from tests.support.keyed_messages import messages, send

NO_ANSWER = InDoubt("timeout", "no answer came")


async def test_a_first_post_in_doubt_is_found_and_not_repeated(world: World) -> None:
    world.faults.fail_after("post", NO_ANSWER, times=1)

    async with world.pack():
        first = await send(world, "down", messageKey="alert")
        second = await send(world, "up", messageKey="alert")

    assert messages(world) == [("up", "")]
    assert (first["updated"], second["updated"]) == (False, True)


async def test_another_action_finds_the_post_of_a_key_that_is_reserved(world: World) -> None:
    world.faults.fail_after("post", NO_ANSWER, times=1)
    world.faults.fail_before("find_posted", ChatRejected("missing_scope", "add channels:history"), times=1)

    async with world.pack():
        first = await send(world, "down", messageKey="alert")
        second = await send(world, "up", messageKey="alert", within=70)

    assert str(first["error"]).startswith("in_doubt: ")
    assert second["updated"] is True
    assert messages(world) == [("up", "")]


async def test_another_action_posts_if_the_reserved_post_does_not_exist(world: World) -> None:
    world.faults.fail_before("post", NO_ANSWER, times=1)
    world.faults.fail_before("find_posted", ChatRejected("missing_scope", "add channels:history"), times=1)

    async with world.pack():
        first = await send(world, "down", messageKey="alert")
        second = await send(world, "up", 90, messageKey="alert")
        third = await send(world, "fine", messageKey="alert")

    assert str(first["error"]).startswith("in_doubt: ")
    assert (second["updated"], third["updated"]) == (False, True)
    assert messages(world) == [("fine", "")]


async def test_a_key_whose_post_is_undecidable_is_the_operators_business(world: World) -> None:
    world.faults.fail_after("post", NO_ANSWER, times=1)
    world.faults.fail_before("find_posted", ChatRejected("missing_scope", "add channels:history"))

    async with world.pack():
        await send(world, "down", messageKey="alert")
        failed = await send(world, "up", messageKey="alert")
    async with world.pack(pack_settings(when_in_doubt=WhenInDoubt.RESEND)):
        sent = await send(world, "up", messageKey="alert")

    assert str(failed["error"]).startswith("in_doubt: ")
    assert (sent["event"], sent["inDoubt"]) == ("MessageSent", True)


@pytest.mark.parametrize("method", ["message_keys.reserve", "journal.begin_step", "post"])
async def test_a_kill_before_the_first_post_leads_to_one_message(world: World, method: str) -> None:
    world.faults.block(method)
    async with world.killed_pack():
        world.engine.enqueue(parse_command("SendMessage", {"channelId": "C1", "message": "down", "messageKey": "k"}))
        await world.clock.advance(2)
    world.faults.lift(method)

    async with world.pack():
        await world.clock.advance(70)
        await send(world, "up", messageKey="k")

    assert messages(world) == [("up", "")]


@pytest.mark.parametrize("method", ["journal.complete_step", "message_keys.bind", "journal.set_outcome"])
async def test_a_kill_after_the_first_post_leads_to_one_message(world: World, method: str) -> None:
    world.faults.block(method)
    async with world.killed_pack():
        world.engine.enqueue(parse_command("SendMessage", {"channelId": "C1", "message": "down", "messageKey": "k"}))
        await world.clock.advance(2)
    world.faults.lift(method)
    assert messages(world) == [("down", "")]

    async with world.pack():
        await world.clock.advance(70)
        payload = await send(world, "up", messageKey="k")

    first = next(iter(world.engine.outcomes.values()))[0]
    assert event_payload(first)["updated"] is False  # type: ignore[index,call-overload]
    assert payload["updated"] is True
    assert messages(world) == [("up", "")]


@pytest.mark.parametrize("error", [RateLimited(30), Unreachable("unreachable", "no connection")])
async def test_a_refused_first_post_reserves_nothing(world: World, error: Exception) -> None:
    world.faults.fail_before("post", error, times=1)

    async with world.killed_pack():
        world.engine.enqueue(parse_command("SendMessage", {"channelId": "C1", "message": "down", "messageKey": "k"}))
        await world.faults.until_called("post")
        await world.clock.settle()

    assert await world.storage.message_keys.find(ChannelId("C1"), "k") is None
