"""The events ReactionAdded and ReactionRemoved: which reactions cause them, and what they tell."""

import pytest
from structlog.testing import capture_logs

from application.policies import Listen
from domain.channels import NO_CHANNEL
from domain.errors import ChatError, ChatRejected, RateLimited, Unreachable, WorkflowInDoubt
from domain.events import ReceivedEvent
from domain.interactions import Reaction
from domain.users import NOBODY, User
from tests.support.environment import World, pack_settings

ADA, GRACE, ROBOT = User("U1", "Ada"), User("U2", "Grace"), User("U3", "Robot", is_bot=True)

IN_DOUBT = WorkflowInDoubt("no answer")


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    world.chat.add_user(GRACE)
    world.chat.add_user(ROBOT)
    return world


def reactions(world: World) -> list[ReceivedEvent]:
    return [event for event, _ in world.engine.published if isinstance(event, ReceivedEvent)]


async def test_a_reaction_tells_who_reacted_to_whom_and_to_which_text(world: World) -> None:
    async with world.pack():
        message = world.chat.say("C1", "the printer is on fire", "U2")
        reaction = world.chat.react(message, "ticket")
        await world.clock.advance(1)

    assert reactions(world) == [ReceivedEvent(reaction, ADA, GRACE, "the printer is on fire")]


async def test_removing_a_reaction_is_an_event_of_its_own(world: World) -> None:
    async with world.pack():
        message = world.chat.say("C1", "hello")
        added = world.chat.react(message, "eyes")
        removed = world.chat.react(message, "eyes", is_added=False)
        await world.clock.advance(1)

    assert [each.event for each in reactions(world)] == [added, removed]


async def test_a_reaction_in_a_thread_tells_the_thread(world: World) -> None:
    async with world.pack():
        root = world.chat.say("C1", "root")
        reply = world.chat.say("C1", "reply", thread_timestamp=root.timestamp)
        world.chat.react(reply, "eyes")
        await world.clock.advance(1)

    assert [(each.message, each.thread_timestamp) for each in reactions(world)] == [("reply", root.timestamp)]


async def test_a_reaction_to_a_keyed_message_tells_its_key(world: World) -> None:
    async with world.pack():
        message = world.chat.say("C1", "alert")
        await world.storage.message_keys.bind(world.c1, "alert-7", message.timestamp)
        world.chat.react(message, "eyes")
        await world.clock.advance(1)

    assert [each.message_key for each in reactions(world)] == ["alert-7"]


async def test_a_message_in_the_thread_of_a_keyed_message_tells_the_key(world: World) -> None:
    async with world.pack():
        root = world.chat.say("C1", "alert")
        await world.storage.message_keys.bind(world.c1, "alert-7", root.timestamp)
        world.chat.say("C1", "reply", thread_timestamp=root.timestamp)
        await world.clock.advance(1)

    threads = [event.thread_key for event, _ in world.engine.published if not isinstance(event, ReceivedEvent)]
    assert threads == ["", "alert-7"]


async def test_the_text_is_fetched_once_for_many_reactions(world: World) -> None:
    async with world.pack():
        message = world.chat.say("C1", "hello")
        for name in ("one", "two", "three"):
            world.chat.react(message, name)
        await world.clock.advance(1)

    assert [each.message for each in reactions(world)] == ["hello"] * 3
    assert world.faults.count("message_at") == 1


async def test_the_text_is_fetched_again_after_an_edit_was_heard(world: World) -> None:
    async with world.pack(pack_settings(receives_edits=True)):
        message = world.chat.say("C1", "old")
        world.chat.react(message, "one")
        await world.clock.advance(1)
        world.chat.edit(message, "new")
        world.chat.react(message, "two")
        await world.clock.advance(1)

    assert [each.message for each in reactions(world) if each.message] == ["old", "new"]


async def test_a_text_is_fetched_again_after_ten_minutes(world: World) -> None:
    async with world.pack():
        message = world.chat.say("C1", "hello")
        for _ in range(2):
            world.chat.react(message, "eyes")
            await world.clock.advance(601)

    assert world.faults.count("message_at") == 2


@pytest.mark.parametrize("error", [ChatRejected("missing_scope", "add channels:history"), Unreachable("timeout", "no")])
async def test_a_reaction_to_an_unreadable_message_has_no_text(world: World, error: ChatError) -> None:
    world.faults.fail_before("message_at", error)

    with capture_logs() as logs:
        async with world.pack():
            message = world.chat.say("C1", "hello")
            reaction = world.chat.react(message, "eyes")
            await world.clock.advance(11)

    assert reactions(world) == [ReceivedEvent(reaction, ADA, ADA)]
    assert [line["timestamp"] for line in logs if line["event"] == "message_not_read"] == [message.timestamp]


async def test_a_reaction_to_a_file_which_is_in_no_channel_is_received(world: World) -> None:
    reaction = Reaction(
        channel_id=NO_CHANNEL, user_id="U1", reaction="eyes", timestamp="", item_type="file", event_timestamp="1.1"
    )

    async with world.pack():
        world.receiver.deliver(reaction)
        await world.clock.advance(1)

    assert reactions(world) == [ReceivedEvent(reaction, ADA)]


async def test_a_deleted_message_has_no_text(world: World) -> None:
    async with world.pack():
        message = world.chat.say("C1", "hello")
        world.chat.erase(message)
        world.chat.react(message, "eyes")
        await world.clock.advance(1)

    assert [each.message for each in reactions(world)] == [""]


@pytest.mark.parametrize("error", [ChatRejected("user_not_found", "check the id"), RateLimited(600)])
async def test_a_reaction_is_never_dropped_because_a_user_can_not_be_looked_up(world: World, error: ChatError) -> None:
    world.faults.fail_before("look_up", error)

    async with world.pack():
        reaction = world.chat.react(world.chat.say("C1", "hello", "U2"), "eyes")
        await world.clock.advance(31)

    assert reactions(world) == [ReceivedEvent(reaction, User("U1"), User("U2"), "hello")]


async def test_a_reaction_to_a_message_without_user_has_an_empty_author(world: World) -> None:
    async with world.pack():
        world.chat.react(world.chat.say("C1", "beep", "", bot_id="B2"), "eyes")
        await world.clock.advance(1)

    assert [each.item_user for each in reactions(world)] == [NOBODY]


async def test_the_packs_own_reactions_are_ignored(world: World) -> None:
    async with world.pack(pack_settings(receives_bots=True)):
        world.chat.react(world.chat.say("C1", "hello"), "eyes", world.chat.identity.user_id)
        await world.clock.advance(1)

    assert reactions(world) == []


async def test_reactions_of_other_bots_are_received_only_if_so_configured(world: World) -> None:
    async with world.pack():
        world.chat.react(world.chat.say("C1", "hello"), "eyes", "U3")
        await world.clock.advance(1)
    assert reactions(world) == []

    async with world.pack(pack_settings(receives_bots=True)):
        world.chat.react(world.chat.say("C1", "hello"), "eyes", "U3")
        await world.clock.advance(1)
    assert [each.user for each in reactions(world)] == [ROBOT]


async def test_reactions_are_received_where_messages_are(world: World) -> None:
    world.chat.add_channel("D1", has_bot=True)
    world.chat.add_channel("C3", has_bot=True)

    async with world.pack():
        heard = world.chat.react(world.chat.say("D1", "hello"), "eyes")
        world.chat.react(world.chat.say("C3", "hello"), "eyes")
        await world.clock.advance(1)
        assert [each.event for each in reactions(world)] == [heard]

    async with world.pack(pack_settings(listen=Listen.MEMBER)):
        world.chat.react(world.chat.say("C3", "hello"), "eyes")
        await world.clock.advance(1)
    assert len(reactions(world)) == 2


async def test_reactions_are_received_in_a_conversation_of_several_people_with_the_bot(world: World) -> None:
    world.chat.add_channel("G1", has_bot=True)

    async with world.pack():
        message = world.chat.say("G1", "hello", is_direct=True)
        await world.clock.advance(1)
        world.chat.react(message, "eyes")
        await world.clock.advance(1)

    assert [each.message for each in reactions(world)] == ["hello"]


async def test_reactions_are_not_received_in_a_channel_that_was_left(world: World) -> None:
    async with world.pack():
        message = world.chat.say("C1", "hello")
        await world.clock.advance(1)
        await world.storage.channels.leave(world.c1)
        world.chat.react(message, "eyes")
        await world.clock.advance(1)

    assert reactions(world) == []


async def test_a_reaction_that_is_delivered_twice_is_one_event(world: World) -> None:
    async with world.pack():
        reaction = world.chat.react(world.chat.say("C1", "hello"), "eyes")
        world.receiver.deliver(reaction)
        await world.clock.advance(1)

    assert len(reactions(world)) == 1


async def test_a_reaction_that_was_in_doubt_is_recognised_in_the_audit(world: World) -> None:
    message = world.chat.say("C1", "hello")
    world.faults.fail_after("publish", IN_DOUBT, times=1)

    async with world.pack():
        world.chat.react(message, "eyes")
        await world.clock.advance(5)

    assert len(reactions(world)) == 1
