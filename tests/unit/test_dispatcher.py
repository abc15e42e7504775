"""The definition of the pack, and commands that it cannot execute."""

from typing import get_args

import pytest
from structlog.testing import capture_logs

from application.catalog.commands import COMMANDS
from application.catalog.events import EVENTS
from application.ports.workflow import CommandDefinition
from application.use_cases.dispatcher import pack_definition
from domain.commands import SendMessage, UnknownCommand, UnreadableCommand
from domain.events import Fatal, Outcome
from domain.messages import OutgoingMessage
from tests.support.environment import World, pack_settings


def test_the_pack_offers_each_command_with_its_two_events() -> None:
    offer = pack_definition("Slack", {"env": "dev"})

    assert (offer.name, offer.labels) == ("Slack", {"env": "dev"})
    assert offer.commands[:5] == (
        CommandDefinition("SendMessage", ("MessageSent", "SendMessageFailed")),
        CommandDefinition("SendRichMessage", ("RichMessageSent", "SendRichMessageFailed")),
        CommandDefinition("Broadcast", ("BroadcastSent", "BroadcastFailed")),
        CommandDefinition("JoinChannel", ("ChannelJoined", "JoinChannelFailed")),
        CommandDefinition("LeaveChannel", ("ChannelLeft", "LeaveChannelFailed")),
    )
    assert [(each.name, each.events) for each in offer.commands] == [
        (spec.name, (spec.success, spec.failure)) for spec in COMMANDS
    ]


def test_every_event_that_the_pack_can_raise_is_offered() -> None:
    outcomes = {event.__name__ for event in get_args(Outcome)} - {"CommandOutcome", "Fatal"}
    of_commands = {event for spec in COMMANDS for event in (spec.success, spec.failure)}

    assert outcomes <= of_commands
    everything = pack_definition("Slack", {}, [spec.name for spec in EVENTS])
    assert set(everything.events) == of_commands | {spec.name for spec in EVENTS}


def test_events_of_optional_features_are_offered_only_if_these_are_switched_on() -> None:
    settings = pack_settings(receives_edits=True, other_events=("team_join",))

    assert settings.optional_events == {spec.name for spec in EVENTS if spec.is_optional}
    assert not {*pack_definition("Slack", {}).events} & settings.optional_events
    assert {*pack_definition("Slack", {}, settings.optional_events).events} >= settings.optional_events
    assert pack_settings().optional_events == frozenset()


def test_no_outcome_has_the_name_of_an_event_that_the_pack_sends_of_its_own_accord() -> None:
    outcomes = [event for spec in COMMANDS for event in (spec.success, spec.failure)]

    assert not {*outcomes} & {spec.name for spec in EVENTS}
    assert len({*outcomes}) == len(outcomes)


async def test_unreadable_input_is_fatal() -> None:
    world = World()

    async with world.pack():
        outcome = await world.outcome(UnreadableCommand("SendMessage", "message: not a string"))

    assert outcome == Fatal("input is not valid: message: not a string")


async def test_an_unknown_command_is_fatal_and_named() -> None:
    world = World()

    async with world.pack():
        outcome = await world.outcome(UnknownCommand("SendFax"))

    assert outcome == Fatal('no handler could be found for command "SendFax"')


async def test_an_unexpected_error_is_fatal_with_an_id_that_is_in_the_log() -> None:
    world = World()
    await world.join(world.c1)
    world.faults.fail_before("post", ZeroDivisionError("of the test"), times=1)

    with capture_logs() as logs:
        async with world.pack():
            outcome = await world.outcome(SendMessage(OutgoingMessage(world.c1, "hello")))
            after = await world.outcome(SendMessage(OutgoingMessage(world.c1, "hello again")))

    assert isinstance(outcome, Fatal)
    incident = outcome.reason.removeprefix("internal error (").removesuffix(")")
    found = [line for line in logs if line.get("incident") == incident]
    assert [(line["event"], line["log_level"], line["exc_info"]) for line in found] == [
        ("internal_error", "error", True)
    ]
    assert not isinstance(after, Fatal)


@pytest.mark.parametrize("times", [1, 3])
async def test_an_action_is_reported_once_whatever_its_outcome(times: int) -> None:
    world = World()

    async with world.pack():
        for _ in range(times):
            await world.outcome(UnknownCommand("SendFax"))

    assert world.faults.count("complete") == times
