"""The commands of the table: success, refusal, limits and outages, and order.

Their input: test_chat_command_inputs.py; in doubt: test_chat_commands_in_doubt.py.
"""

import pytest

from adapters.serialization.command_inputs import parse_command
from adapters.serialization.event_payloads import event_name
from application.catalog.commands import COMMANDS, COMMANDS_BY_NAME
from domain.commands import ChatCommand
from domain.errors import ChatRejected, RateLimited, Unreachable
from tests.support.chat_commands import CHAT_COMMANDS, METHODS, VIEW, ending, valid_input
from tests.support.environment import World, pack_settings

LASTING = [name for name in CHAT_COMMANDS if name != "OpenModal"]
"""Those that can wait; a trigger lives for three seconds."""
ALLOWED = pack_settings(allowed_methods=("pins.*", "chat.*", "auth.test"))


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    world.chat.add_channel("C7", name="general", topic="News")
    return world


def test_each_row_is_executed_by_a_use_case_or_by_a_command_of_its_own() -> None:
    parsed = {spec.name: type(parse_command(spec.name, {})) for spec in COMMANDS}

    assert {name for name, kind in parsed.items() if kind is ChatCommand} == {*CHAT_COMMANDS} == {*METHODS}
    assert len({type(COMMANDS_BY_NAME[name].use_case) for name in CHAT_COMMANDS}) == len(CHAT_COMMANDS)


@pytest.mark.parametrize("command", CHAT_COMMANDS)
async def test_a_success_has_the_input_and_the_results(world: World, command: str) -> None:
    spec = COMMANDS_BY_NAME[command]

    async with world.pack(ALLOWED):
        given = await valid_input(world, command)
        outcome = await ending(world, command, given)

    listed = {field.name for field in spec.fields if not field.is_content and not spec.passes_on}
    assert outcome.name == spec.success
    assert {*outcome.payload} >= listed | {*spec.results}
    assert {*outcome.payload} - {*given} - listed <= {*spec.results, "size", "channelId", "timestamp", "message"}
    assert all(outcome.payload[name] == value for name, value in given.items() if name != "content")


@pytest.mark.parametrize("command", CHAT_COMMANDS)
async def test_a_refusal_by_slack_is_the_failure_event_with_code_and_advice(world: World, command: str) -> None:
    spec = COMMANDS_BY_NAME[command]
    world.faults.fail_before(METHODS[command], ChatRejected("some_code", "do something"))

    async with world.pack(ALLOWED):
        given = await valid_input(world, command)
        outcome = await ending(world, command, given)

    assert outcome.name == spec.failure
    assert outcome.payload["error"] == "some_code: do something"
    assert all(outcome.payload[name] == value for name, value in given.items() if name != "content")


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("UpdateMessage", "missing channel id field, missing timestamp field"),
        (
            "UploadFile",
            "missing channel id field, missing filename field, missing content or content base64 field",
        ),
    ],
)
async def test_missing_fields_are_named_in_words(world: World, command: str, error: str) -> None:
    async with world.pack():
        outcome = await ending(world, command, {})

    assert outcome.payload["error"] == error


@pytest.mark.parametrize("command", CHAT_COMMANDS)
async def test_missing_fields_are_named(world: World, command: str) -> None:
    spec = COMMANDS_BY_NAME[command]

    async with world.pack():
        outcome = await ending(world, command, {})

    assert outcome.name == spec.failure
    assert str(outcome.payload["error"]).startswith("missing ")
    assert str(outcome.payload["error"]).count("missing ") == len(spec.required)
    assert not world.faults.count(METHODS[command])


@pytest.mark.parametrize("command", LASTING)
async def test_an_outage_is_waited_out(world: World, command: str) -> None:
    world.faults.fail_before(METHODS[command], Unreachable("unreachable", "no connection"), times=3)

    async with world.pack(ALLOWED):
        outcome = await ending(world, command, await valid_input(world, command), 20)

    assert outcome.name == COMMANDS_BY_NAME[command].success
    assert world.faults.count(METHODS[command]) == 4


@pytest.mark.parametrize("command", CHAT_COMMANDS)
async def test_an_outage_beyond_the_time_to_give_up_is_the_failure_event(world: World, command: str) -> None:
    world.faults.fail_before(METHODS[command], Unreachable("unreachable", "no connection"))

    async with world.pack(pack_settings(give_up_seconds=30, allowed_methods=("pins.add",))):
        outcome = await ending(world, command, await valid_input(world, command), 60)

    assert outcome.name == COMMANDS_BY_NAME[command].failure
    assert outcome.payload["error"] == "unreachable: no connection"


@pytest.mark.parametrize("command", LASTING)
async def test_a_limit_is_waited_out_and_costs_no_patience(world: World, command: str) -> None:
    world.faults.fail_before(METHODS[command], RateLimited(40), times=1)

    async with world.pack(pack_settings(give_up_seconds=30, allowed_methods=("pins.add",))):
        outcome = await ending(world, command, await valid_input(world, command), 60)

    assert outcome.name == COMMANDS_BY_NAME[command].success


async def test_an_expired_trigger_is_a_failure_at_once(world: World) -> None:
    trigger = world.chat.new_trigger()
    await world.clock.advance(5)

    async with world.pack():
        outcome = await ending(world, "OpenModal", {"triggerId": trigger, "view": VIEW})

    assert outcome.name == "OpenModalFailed"
    assert str(outcome.payload["error"]).startswith("expired_trigger_id: ")
    assert world.faults.count("open_view") == 1


async def test_a_limit_holds_its_method_and_no_other(world: World) -> None:
    world.faults.fail_before("add_reaction", RateLimited(30), times=1)
    reaction = await valid_input(world, "AddReaction")

    async with world.pack():
        first = world.engine.enqueue(parse_command("AddReaction", reaction))
        await world.faults.until_called("add_reaction")
        world.chat.add_channel("C5", has_bot=True)
        second = world.engine.enqueue(parse_command("AddReaction", reaction | {"channelId": "C5"}))
        outcome = await ending(world, "GetPermalink", await valid_input(world, "GetPermalink"))
        await world.clock.advance(20)
        assert world.faults.count("add_reaction") == 1
        await world.clock.advance(15)

    assert outcome.name == "PermalinkRetrieved"
    assert {first, second} <= {*world.engine.outcomes}


async def test_a_limit_of_one_method_that_is_called_by_name_holds_no_other(world: World) -> None:
    world.faults.fail_before("call_method", RateLimited(30), times=1)
    world.chat.method_responses = {"pins.add": {"ok": True}, "pins.list": {"ok": True}}

    async with world.pack(ALLOWED):
        world.engine.enqueue(parse_command("CallSlack", {"method": "pins.add"}))
        await world.faults.until_called("call_method")
        outcome = await ending(world, "CallSlack", {"method": "pins.list"})

    assert outcome.name == "SlackCalled"


async def test_changes_of_a_channel_keep_the_order_in_which_they_were_taken(world: World) -> None:
    of_message = await valid_input(world, "DeleteMessage")
    world.faults.delay("update", 5)

    async with world.pack():
        update = world.engine.enqueue(parse_command("UpdateMessage", of_message | {"message": "after"}))
        delete = world.engine.enqueue(parse_command("DeleteMessage", of_message))
        await world.clock.advance(10)

    assert [event_name(world.engine.outcomes[action][0]) for action in (update, delete)] == [
        "MessageUpdated",
        "MessageDeleted",
    ]


async def test_direct_messages_keep_their_order_while_the_conversation_is_looked_up(world: World) -> None:
    world.faults.fail_before("open_direct", Unreachable("timeout", "no answer"), times=1)

    async with world.pack():
        for text in ("first", "second"):
            world.engine.enqueue(parse_command("SendDirectMessage", {"userId": "U1", "message": text}))
        await world.clock.advance(10)

    assert [message.text for message in world.chat.messages("DU1")] == ["first", "second"]


async def test_a_modal_does_not_wait_behind_a_slow_channel(world: World) -> None:
    world.faults.delay("update", 60)

    async with world.killed_pack():
        world.engine.enqueue(parse_command("UpdateMessage", await valid_input(world, "UpdateMessage")))
        await world.faults.until_called("update")
        outcome = await ending(world, "OpenModal", await valid_input(world, "OpenModal"), 1)

    assert outcome.name == "ModalOpened"
