"""The events ReceivedEdit, ReceivedDeletion and ReceivedSlackEvent, which operators switch on."""

import pytest

from domain.events import ReceivedEvent
from domain.interactions import MessageChange, OtherEvent
from domain.users import NOBODY, User
from tests.support.environment import World, pack_settings

ADA = User("U1", "Ada")
ON = pack_settings(receives_edits=True)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    return world


def received(world: World) -> list[ReceivedEvent]:
    return [event for event, _ in world.engine.published if isinstance(event, ReceivedEvent)]


async def test_an_edit_and_a_deletion_become_events_if_so_configured(world: World) -> None:
    async with world.pack(ON):
        message = world.chat.say("C1", "old")
        edit = world.chat.edit(message, "new")
        deletion = world.chat.erase(world.chat.say("C1", "gone"))
        await world.clock.advance(1)

    assert received(world) == [ReceivedEvent(edit, ADA), ReceivedEvent(deletion, ADA)]
    assert (edit.previous_message, edit.message, deletion.previous_message) == ("old", "new", "gone")


async def test_changes_are_ignored_by_default(world: World) -> None:
    async with world.pack():
        world.chat.edit(world.chat.say("C1", "old"), "new")
        world.chat.erase(world.chat.say("C1", "gone"))
        await world.clock.advance(1)

    assert received(world) == []


async def test_the_packs_own_changes_are_ignored(world: World) -> None:
    own = world.chat.identity

    async with world.pack(pack_settings(receives_edits=True, receives_bots=True)):
        world.chat.edit(world.chat.say("C1", "as itself", own.user_id), "new")
        world.chat.edit(world.chat.say("C1", "under another name", "", bot_id=own.bot_id), "new")
        await world.clock.advance(1)

    assert received(world) == []


async def test_changes_of_bots_messages_are_received_only_if_bots_are(world: World) -> None:
    world.chat.add_user(User("U3", "Robot", is_bot=True))

    def change() -> None:
        world.chat.edit(world.chat.say("C1", "beep", "", bot_id="B2"), "boop")
        world.chat.edit(world.chat.say("C1", "beep", "U3"), "boop")

    async with world.pack(ON):
        change()
        await world.clock.advance(1)
    assert received(world) == []

    async with world.pack(pack_settings(receives_edits=True, receives_bots=True)):
        change()
        await world.clock.advance(1)
    assert [(each.user.id, each.user.is_bot) for each in received(world)] == [("B2", True), ("U3", True)]


async def test_the_author_of_a_changed_message_who_can_not_be_looked_up_is_taken_for_the_bot_that_it_names(
    world: World,
) -> None:
    async with world.pack(ON):
        world.chat.edit(world.chat.say("C1", "beep", "U404", bot_id="B2"), "boop")
        by_person = world.chat.edit(world.chat.say("C1", "hello", "U404"), "hullo")
        await world.clock.advance(1)

    assert received(world) == [ReceivedEvent(by_person, User("U404"))]


async def test_changes_in_unjoined_channels_are_ignored(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)

    async with world.pack(ON):
        world.chat.edit(world.chat.say("C3", "old"), "new")
        await world.clock.advance(1)

    assert received(world) == []


async def test_each_edit_of_a_message_is_an_event_and_a_repeated_delivery_is_none(world: World) -> None:
    async with world.pack(ON):
        message = world.chat.say("C1", "one")
        first = world.chat.edit(message, "two")
        world.receiver.deliver(first)
        world.receiver.deliver(
            MessageChange(
                channel_id=world.c1,
                user_id="U1",
                is_deleted=False,
                timestamp=message.timestamp,
                message="three",
                edited_timestamp="1767225700.000001",
            )
        )
        await world.clock.advance(1)

    assert [each.event.message for each in received(world) if isinstance(each.event, MessageChange)] == ["two", "three"]


async def test_other_events_are_received_whatever_their_channel(world: World) -> None:
    events = [
        OtherEvent(type="team_join", event_id="Ev1", user_id="U1", event={"type": "team_join"}),
        OtherEvent(type="pin_added", event_id="Ev2", channel_id=world.c2, event={"type": "pin_added"}),
    ]

    async with world.pack():
        for event in [*events, events[0]]:
            world.receiver.deliver(event)
        await world.clock.advance(1)

    assert received(world) == [ReceivedEvent(events[0], ADA), ReceivedEvent(events[1], NOBODY)]
    assert len(world.receiver.acknowledged) == 3
