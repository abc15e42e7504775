"""Commands whose request got no answer, or that were interrupted by a kill: what follows is a matter of their rows."""

from dataclasses import replace

import pytest

from adapters.serialization.command_inputs import parse_command
from application.catalog.commands import COMMANDS_BY_NAME
from application.catalog.specs import AskOperator, LookFor, Repeat
from application.policies import WhenInDoubt
from domain.errors import ChatRejected, InDoubt, RateLimited, Unreachable
from domain.events import CommandOutcome
from domain.json_values import JsonObject
from tests.support.chat_commands import CHAT_COMMANDS, METHODS, ending, valid_input
from tests.support.environment import World, pack_settings

NO_ANSWER = InDoubt("timeout", "no answer came")
UNREADABLE = ChatRejected("missing_scope", "add the scope")
FAIL = pack_settings(allowed_methods=("pins.add",))
RESEND = pack_settings(allowed_methods=("pins.add",), when_in_doubt=WhenInDoubt.RESEND)
RULES = {name: COMMANDS_BY_NAME[name].in_doubt for name in CHAT_COMMANDS}
PROVEN = {name: rule.settled_by for name, rule in RULES.items() if isinstance(rule, Repeat) and rule.settled_by}
"""The error that proves a success, by command."""
ASKING = [name for name, rule in RULES.items() if isinstance(rule, AskOperator)]
FINDERS = {"ScheduleMessage": "find_scheduled", "UploadFile": "find_shared"}
LASTING = [name for name in CHAT_COMMANDS if name != "OpenModal"]


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    world.chat.add_channel("C7", name="general", topic="News")
    return world


async def given_for(world: World, command: str) -> JsonObject:
    given = await valid_input(world, command)
    if command == "UpdateModal":
        return given | {"viewHash": world.chat.views[str(given["viewId"])].receipt.hash}
    return given


async def kill(world: World, command: str, blocked: str) -> None:
    """Kills the pack while it waits for the blocked call."""
    world.faults.block(blocked)
    async with world.killed_pack(FAIL):
        world.engine.enqueue(parse_command(command, await given_for(world, command)))
        await world.clock.advance(1)
    world.faults.lift(blocked)


def only_outcome(world: World) -> CommandOutcome:
    ((outcome, _),) = world.engine.outcomes.values()
    assert isinstance(outcome, CommandOutcome)
    return outcome


def test_the_rules_are_those_of_the_specification() -> None:
    by_rule: dict[type, set[str]] = {Repeat: set(), LookFor: set(), AskOperator: set()}
    for name in CHAT_COMMANDS:
        by_rule[type(COMMANDS_BY_NAME[name].in_doubt)].add(name)

    assert by_rule[LookFor] == {"SendDirectMessage", "UploadFile", "ScheduleMessage"}
    assert by_rule[AskOperator] == {"SendEphemeral", "Respond", "CallSlack"}
    assert PROVEN == {
        "DeleteMessage": "message_not_found",
        "CancelScheduledMessage": "invalid_scheduled_message_id",
        "OpenModal": "exchanged_trigger_id",
        "UpdateModal": "hash_conflict",
    }


@pytest.mark.parametrize("command", PROVEN)
async def test_a_repeat_whose_error_proves_the_first_request_is_a_success(world: World, command: str) -> None:
    world.faults.fail_after(METHODS[command], NO_ANSWER, times=1)

    async with world.pack(FAIL):
        outcome = await ending(world, command, await given_for(world, command))

    spec = COMMANDS_BY_NAME[command]
    assert outcome.name == spec.success
    assert all(name in outcome.payload for name in spec.results)
    assert world.faults.count(METHODS[command]) == 2


async def test_a_modal_keeps_its_id_if_its_update_is_only_proved(world: World) -> None:
    world.faults.fail_after(METHODS["UpdateModal"], NO_ANSWER, times=1)

    async with world.pack(FAIL):
        given = await given_for(world, "UpdateModal")
        outcome = await ending(world, "UpdateModal", given)

    assert (outcome.payload["viewId"], outcome.payload["viewHash"]) == (given["viewId"], "")


@pytest.mark.parametrize("command", PROVEN)
async def test_the_same_error_without_a_doubt_is_a_failure(world: World, command: str) -> None:
    world.faults.fail_before(METHODS[command], ChatRejected(PROVEN[command], "no such thing"), times=1)

    async with world.pack(FAIL):
        outcome = await ending(world, command, await given_for(world, command))

    assert outcome.name == COMMANDS_BY_NAME[command].failure
    assert outcome.payload["error"] == f"{PROVEN[command]}: no such thing"


@pytest.mark.parametrize("command", PROVEN)
async def test_a_request_without_effect_is_repeated(world: World, command: str) -> None:
    world.faults.fail_before(METHODS[command], NO_ANSWER, times=1)

    async with world.pack(FAIL):
        outcome = await ending(world, command, await given_for(world, command))

    assert outcome.name == COMMANDS_BY_NAME[command].success


@pytest.mark.parametrize("command", ["DeleteMessage", "CancelScheduledMessage", "UpdateModal"])
async def test_a_doubt_beyond_the_time_to_give_up_is_the_failure_event(world: World, command: str) -> None:
    world.faults.fail_before(METHODS[command], NO_ANSWER)

    async with world.pack(pack_settings(give_up_seconds=30)):
        outcome = await ending(world, command, await given_for(world, command), 60)

    assert outcome.name == COMMANDS_BY_NAME[command].failure
    assert str(outcome.payload["error"]).startswith("in_doubt: ")


@pytest.mark.parametrize("command", FINDERS)
async def test_what_took_effect_is_found_and_not_repeated(world: World, command: str) -> None:
    world.faults.fail_after(METHODS[command], NO_ANSWER, times=1)

    async with world.pack(FAIL):
        outcome = await ending(world, command, await given_for(world, command))

    assert outcome.name == COMMANDS_BY_NAME[command].success
    assert all(outcome.payload[name] for name in COMMANDS_BY_NAME[command].results)
    assert world.faults.count(METHODS[command]) == 1


@pytest.mark.parametrize("command", FINDERS)
async def test_what_cannot_be_found_is_looked_for_a_minute_and_repeated(world: World, command: str) -> None:
    world.faults.fail_before(METHODS[command], NO_ANSWER, times=1)

    async with world.pack(FAIL):
        outcome = await ending(world, command, await given_for(world, command), 90)

    assert outcome.name == COMMANDS_BY_NAME[command].success
    assert "inDoubt" not in outcome.payload
    first, second = world.faults.called_at(METHODS[command])
    assert second - first == pytest.approx(60, abs=2)


@pytest.mark.parametrize("command", FINDERS)
async def test_what_cannot_be_looked_for_fails_as_in_doubt(world: World, command: str) -> None:
    world.faults.fail_before(METHODS[command], NO_ANSWER, times=1)
    world.faults.fail_before(FINDERS[command], UNREADABLE)

    async with world.pack(FAIL):
        outcome = await ending(world, command, await given_for(world, command))

    assert outcome.name == COMMANDS_BY_NAME[command].failure
    assert str(outcome.payload["error"]).startswith("in_doubt: ")


@pytest.mark.parametrize("command", FINDERS)
async def test_what_cannot_be_looked_for_is_repeated_if_the_operator_says_so(world: World, command: str) -> None:
    world.faults.fail_before(METHODS[command], NO_ANSWER, times=1)
    world.faults.fail_before(FINDERS[command], UNREADABLE)

    async with world.pack(RESEND):
        outcome = await ending(world, command, await given_for(world, command))

    assert outcome.name == COMMANDS_BY_NAME[command].success
    assert outcome.payload["inDoubt"] is True


@pytest.mark.parametrize("command", ASKING)
async def test_other_commands_fail_as_in_doubt(world: World, command: str) -> None:
    world.faults.fail_after(METHODS[command], NO_ANSWER, times=1)

    async with world.pack(FAIL):
        outcome = await ending(world, command, await given_for(world, command))

    assert outcome.name == COMMANDS_BY_NAME[command].failure
    assert str(outcome.payload["error"]).startswith("in_doubt: ")
    assert world.faults.count(METHODS[command]) == 1


@pytest.mark.parametrize("command", ASKING)
async def test_other_commands_are_repeated_if_the_operator_says_so(world: World, command: str) -> None:
    world.faults.fail_after(METHODS[command], NO_ANSWER, times=1)

    async with world.pack(RESEND):
        outcome = await ending(world, command, await given_for(world, command))

    assert outcome.name == COMMANDS_BY_NAME[command].success
    assert outcome.payload["inDoubt"] is True
    assert world.faults.count(METHODS[command]) == 2


@pytest.mark.parametrize("command", ASKING)
async def test_a_command_that_is_refused_after_an_unresolved_doubt_is_in_doubt(world: World, command: str) -> None:
    world.faults.fail_after(METHODS[command], NO_ANSWER, times=1)
    world.faults.fail_before(METHODS[command], ChatRejected("is_archived", "the channel is archived"))

    async with world.pack(RESEND):
        outcome = await ending(world, command, await given_for(world, command))

    assert outcome.name == COMMANDS_BY_NAME[command].failure
    assert str(outcome.payload["error"]).startswith("in_doubt: ")
    assert "is_archived" in str(outcome.payload["error"])


@pytest.mark.parametrize("command", ["AddReaction", "Respond", "UpdateMessage"])
async def test_a_command_that_an_outage_ends_after_a_doubt_is_in_doubt(world: World, command: str) -> None:
    world.faults.fail_after(METHODS[command], NO_ANSWER, times=1)
    world.faults.fail_before(METHODS[command], Unreachable("timeout", "no connection"))

    async with world.pack(replace(RESEND, give_up_seconds=100)):
        outcome = await ending(world, command, await given_for(world, command), within=110)

    assert outcome.name == COMMANDS_BY_NAME[command].failure
    assert str(outcome.payload["error"]).startswith("in_doubt: ")


async def test_a_direct_message_in_doubt_is_found_by_its_marker(world: World) -> None:
    world.faults.fail_after("post", NO_ANSWER, times=1)

    async with world.pack(FAIL):
        outcome = await ending(world, "SendDirectMessage", {"userId": "U1", "message": "hello"})

    assert outcome.name == "DirectMessageSent"
    assert outcome.payload["timestamp"] == world.chat.posts[0].timestamp
    assert world.texts == ["hello"]


@pytest.mark.parametrize("command", LASTING)
async def test_a_command_that_was_carried_out_before_a_kill_is_not_carried_out_twice(
    world: World, command: str
) -> None:
    await kill(world, command, "journal.set_outcome")
    assert world.faults.count(METHODS[command]) == 1

    async with world.pack(FAIL):
        await world.clock.advance(10)

    outcome, spec = only_outcome(world), COMMANDS_BY_NAME[command]
    if command in ASKING:
        assert str(outcome.payload["error"]).startswith("in_doubt: ")
    else:
        assert outcome.name == spec.success
    if not isinstance(spec.in_doubt, Repeat):
        assert world.faults.count(METHODS[command]) == 1


@pytest.mark.parametrize("command", LASTING)
async def test_a_command_that_was_about_to_be_carried_out_at_a_kill_is_carried_out_once(
    world: World, command: str
) -> None:
    await kill(world, command, METHODS[command])

    async with world.pack(RESEND):
        await world.clock.advance(70)

    assert only_outcome(world).name == COMMANDS_BY_NAME[command].success


@pytest.mark.parametrize("command", [*ASKING, *FINDERS])
async def test_a_kill_while_a_limit_is_waited_out_leaves_no_doubt(world: World, command: str) -> None:
    world.faults.fail_before(METHODS[command], RateLimited(30), times=1)
    async with world.killed_pack(FAIL):
        world.engine.enqueue(parse_command(command, await given_for(world, command)))
        await world.clock.advance(5)

    async with world.pack(FAIL):
        await world.clock.advance(5)

    assert only_outcome(world).name == COMMANDS_BY_NAME[command].success
    assert "inDoubt" not in only_outcome(world).payload


@pytest.mark.parametrize("command", [*ASKING, *FINDERS])
async def test_a_shutdown_while_a_limit_is_waited_out_leaves_no_doubt(world: World, command: str) -> None:
    world.faults.fail_before(METHODS[command], RateLimited(30), times=1)
    async with world.pack(FAIL):
        world.engine.enqueue(parse_command(command, await given_for(world, command)))
        await world.clock.advance(5)

    async with world.pack(FAIL):
        await world.clock.advance(5)

    assert only_outcome(world).name == COMMANDS_BY_NAME[command].success


async def test_a_kill_between_upload_and_sharing_shares_the_same_file(world: World) -> None:
    await kill(world, "UploadFile", "finish_upload")

    async with world.pack(FAIL):
        await world.clock.advance(70)

    assert only_outcome(world).payload["fileId"] in world.chat.files
    assert len(world.chat.files) == 1
    assert world.faults.count("begin_upload") == 1


@pytest.mark.parametrize("code", ["http_403", "http_404", "http_410"])
async def test_a_file_gets_another_address_if_its_first_one_is_refused(world: World, code: str) -> None:
    world.faults.fail_before("upload", ChatRejected(code, "used or expired"), times=1)
    async with world.pack(FAIL):
        outcome = await ending(world, "UploadFile", await given_for(world, "UploadFile"))

    assert (outcome.name, world.faults.count("begin_upload")) == ("FileUploaded", 2)


async def test_a_file_whose_second_address_is_refused_too_is_not_shared(world: World) -> None:
    world.faults.fail_before("upload", ChatRejected("http_404", "gone"), times=2)
    async with world.pack(FAIL):
        outcome = await ending(world, "UploadFile", await given_for(world, "UploadFile"))

    assert (outcome.name, outcome.payload["error"]) == ("UploadFileFailed", "http_404: gone")


@pytest.mark.parametrize("command", LASTING)
async def test_a_command_whose_time_is_over_after_a_restart_is_not_carried_out_late(world: World, command: str) -> None:
    async with world.killed_pack(FAIL):
        world.faults.block("leases.acquire")
        world.engine.enqueue(parse_command(command, await given_for(world, command)))
        await world.clock.advance(1)
    world.faults.lift("leases.acquire")
    await world.clock.advance(700)

    async with world.pack(FAIL):
        await world.clock.advance(10)

    assert not world.faults.count(METHODS[command])
    assert str(only_outcome(world).payload["error"]).startswith("unreachable: ")


@pytest.mark.parametrize("command", FINDERS)
async def test_what_was_in_doubt_is_looked_for_also_when_its_time_is_over(world: World, command: str) -> None:
    await kill(world, command, "journal.set_outcome")
    await world.clock.advance(700)

    async with world.pack(FAIL):
        await world.clock.advance(10)

    assert only_outcome(world).name == COMMANDS_BY_NAME[command].success


@pytest.mark.parametrize("command", LASTING)
async def test_an_action_that_a_crash_swallowed_is_taken_for_one_in_doubt(world: World, command: str) -> None:
    await kill(world, command, "journal.record")

    async with world.pack(FAIL):
        await world.clock.advance(20)

    outcome = only_outcome(world)
    if command in ASKING:
        assert str(outcome.payload["error"]).startswith("in_doubt: ")
        assert not world.faults.count(METHODS[command])
    else:
        assert outcome.name == COMMANDS_BY_NAME[command].success
