"""The event ReceivedMessage: which messages cause it, each once."""

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from application.policies import Listen
from application.ports.receiver import (
    AccessLost,
    Disconnected,
)
from domain.errors import AuthenticationFailed, ChatRejected, StorageUnavailable
from domain.events import ReceivedMessage
from domain.messages import IncomingMessage
from domain.users import User
from tests.support.environment import World, pack_settings

BROKEN = StorageUnavailable("disk full")


@pytest.fixture
async def world() -> World:
    world = World()
    await world.join(world.c1)
    return world


async def test_a_message_in_a_joined_channel_becomes_an_event_with_its_author(world: World) -> None:
    async with world.pack():
        message = world.chat.say("C1", "hello")
        await world.clock.advance(1)

    assert [event for event, _ in world.engine.published] == [ReceivedMessage(message, User("U1", "Ada"))]


async def test_a_direct_message_becomes_an_event(world: World) -> None:
    world.chat.add_channel("D1", has_bot=True)

    async with world.pack():
        world.chat.say("D1", "a word with you")
        await world.clock.advance(1)

    assert world.published_texts == ["a word with you"]


async def test_messages_in_unjoined_channels_are_ignored(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)

    async with world.pack():
        world.chat.say("C3", "not for the pack")
        await world.clock.advance(1)

    assert world.published_texts == []
    assert [event for event in world.receiver.acknowledged if isinstance(event, IncomingMessage)]


async def test_messages_in_all_channels_with_the_bot_are_received_if_so_configured(world: World) -> None:
    world.chat.add_channel("C3", has_bot=True)

    async with world.pack(pack_settings(listen=Listen.MEMBER)):
        world.chat.say("C3", "for the pack")
        world.chat.say("C1", "too")
        await world.clock.advance(1)

    assert sorted(world.published_texts) == ["for the pack", "too"]


async def test_the_packs_own_messages_are_ignored(world: World) -> None:
    async with world.pack(pack_settings(receives_bots=True)):
        world.chat.say("C1", "as itself", user_id=world.chat.identity.user_id)
        world.chat.say("C1", "under another name", user_id="", bot_id=world.chat.identity.bot_id)
        await world.clock.advance(1)

    assert world.published_texts == []


async def test_messages_of_other_bots_are_received_only_if_so_configured(world: World) -> None:
    def say() -> None:
        world.chat.say("C1", "beep", user_id="", bot_id="B2", bot_name="Robot")

    async with world.pack():
        say()
        await world.clock.advance(1)
    assert world.published_texts == []

    async with world.pack(pack_settings(receives_bots=True)):
        say()
        await world.clock.advance(1)
    assert [event.user for event, _ in world.engine.published] == [User("B2", "Robot", is_bot=True)]


async def test_slackbot_is_no_person(world: World) -> None:
    world.chat.add_channel("D1", has_bot=True)
    world.chat.add_user(User("USLACKBOT", "Slackbot"))

    async with world.pack():
        world.chat.say("D1", "I only know a few words", user_id="USLACKBOT", is_automated=True)
        await world.clock.advance(1)

    assert world.published_texts == []


async def test_what_a_person_posts_through_an_app_is_the_persons(world: World) -> None:
    async with world.pack():
        world.chat.say("C1", "by a person", user_id="U1", bot_id="B2")
        await world.clock.advance(1)

    assert world.published_texts == ["by a person"]
    assert [event.user for event, _ in world.engine.published] == [User("U1", "Ada")]


async def test_what_a_bots_user_posts_is_the_bots(world: World) -> None:
    world.chat.add_user(User("U2", "Robot", is_bot=True))

    async with world.pack():
        for bot_id in ("B2", ""):
            world.chat.say("C1", "beep", user_id="U2", bot_id=bot_id, bot_name="Robbie")
        await world.clock.advance(1)
        assert world.published_texts == []
        assert await world.waiting() == []

    async with world.pack(pack_settings(receives_bots=True)):
        world.chat.say("C1", "beep", user_id="U2", bot_id="B2", bot_name="Robbie")
        await world.clock.advance(1)
    assert [event.user for event, _ in world.engine.published] == [User("U2", "Robbie", is_bot=True)]


async def test_whoever_may_be_a_bot_is_one_if_slack_does_not_say(world: World) -> None:
    world.faults.fail_before("look_up", ChatRejected("missing_scope", "add users:read"))

    async with world.pack():
        world.chat.say("C1", "beep", user_id="U1", bot_id="B2")
        world.chat.say("C1", "hello", user_id="U1")
        await world.clock.advance(1)

    assert world.published_texts == ["hello"]


async def test_a_message_without_bot_id_is_not_taken_for_the_packs_own(world: World) -> None:
    async with world.pack(pack_settings(receives_bots=True)):
        world.chat.say("C1", "a person", user_id="U2")
        world.chat.say("C1", "a bot", user_id="", bot_id="B2")
        await world.clock.advance(1)

    assert sorted(world.published_texts) == ["a bot", "a person"]


# Once


async def test_a_redelivered_message_is_one_event(world: World) -> None:
    async with world.pack():
        message = world.chat.say("C1", "hello")
        await world.clock.advance(1)
        world.receiver.deliver(message)
        await world.clock.advance(1)

    assert world.published_texts == ["hello"]
    assert world.receiver.acknowledged == [message, message]


async def test_a_message_and_its_duplicate_in_one_batch_are_one_event(world: World) -> None:
    async with world.pack():
        world.receiver.deliver(world.chat.say("C1", "<@UFLYTE> hello"))
        await world.clock.advance(1)

    assert world.published_texts == ["<@UFLYTE> hello"]


async def test_a_message_is_recognised_after_a_restart_and_for_at_least_two_days(world: World) -> None:
    async with world.pack():
        message = world.chat.say("C1", "hello")
        await world.clock.advance(1)
    await world.clock.advance(48 * 3600)

    async with world.pack():
        await world.clock.advance(1)
        world.receiver.deliver(message)
        await world.clock.advance(1)

    assert world.published_texts == ["hello"]


async def test_the_same_timestamp_in_another_channel_is_another_message(world: World) -> None:
    await world.join(world.c2)

    async with world.pack():
        message = world.chat.say("C1", "hello")
        world.receiver.deliver(IncomingMessage(world.c2, message.timestamp, "hello", "U1"))
        await world.clock.advance(1)

    assert world.published_texts == ["hello", "hello"]


# Stored, then acknowledged


async def test_a_message_is_acknowledged_after_it_is_stored(world: World) -> None:
    world.faults.block("outbox.append")
    world.faults.block("publish")

    async with world.pack():
        message = world.chat.say("C1", "hello")
        await world.clock.advance(5)
        assert world.receiver.acknowledged == []

        world.faults.lift("outbox.append")
        await world.clock.advance(0)
        assert world.receiver.acknowledged == [message]
        assert await world.waiting() == [message]
        world.faults.lift("publish")


async def test_a_message_is_not_acknowledged_while_the_storage_fails(world: World) -> None:
    world.faults.fail_before("outbox.append", BROKEN)

    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(50)
        assert world.receiver.acknowledged == []
        assert not world.is_healthy("storage")

        world.faults.lift("outbox.append")
        await world.clock.advance(6)
        assert world.is_healthy("storage")

    assert world.published_texts == ["hello"]


async def test_a_message_not_stored_at_shutdown_is_redelivered(world: World) -> None:
    world.faults.fail_before("outbox.append", BROKEN)
    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(10)
    assert world.receiver.acknowledged == []
    world.faults.lift("outbox.append")

    assert world.receiver.redeliver() == 1
    async with world.pack():
        await world.clock.advance(1)

    assert world.published_texts == ["hello"]


async def test_the_log_counts_the_messages_not_stored_at_shutdown(world: World, lines: list[EventDict]) -> None:
    world.faults.fail_before("outbox.append", BROKEN)

    async with world.pack():
        await world.clock.advance(1)
        world.chat.say("C1", "first")
        await world.clock.advance(1)
        for _ in range(2):
            world.chat.say("C1", "later")
        await world.clock.advance(1)

    assert sum(line["count"] for line in lines if line["event"] == "arrivals_not_safe") == 3


async def test_messages_received_before_shutdown_are_stored(world: World) -> None:
    async with world.pack() as process:
        await world.clock.advance(1)
        messages = [world.chat.say("C1", str(number)) for number in range(100)]
        await world.faults.until_called("outbox.append", 1)
        process.shutdown().request()

    assert world.receiver.acknowledged == messages
    async with world.pack():
        while len(world.published_texts) < 100:
            await world.clock.advance(1)
    assert world.published_texts == [str(number) for number in range(100)]


async def test_thousands_of_simultaneous_messages_share_commits(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for number in range(2_000):
            world.chat.say("C1", str(number))
        await world.clock.advance(3)

    assert len(world.receiver.acknowledged) == 2_000
    assert world.faults.count("outbox.append") <= 20


# Health


async def test_health_shows_when_no_events_arrive(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        assert world.is_healthy("slack")
        world.receiver.deliver(Disconnected("the connection broke"))
        await world.clock.advance(1)
        assert not world.is_healthy("slack")


async def test_health_reveals_nothing_that_the_chat_service_wrote(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        world.receiver.deliver(Disconnected("see_c024be91l: U1 said hush in C024BE91L, see https://example.com/"))
        await world.clock.advance(1)
        assert world.check("slack").status == "not connected"


@pytest.mark.parametrize("reason", ["tokens_revoked", "app_uninstalled"])
async def test_a_token_is_not_taken_for_revoked_while_slack_accepts_it(world: World, reason: str) -> None:
    with capture_logs() as logs:
        async with world.pack():
            await world.clock.advance(1)
            asked = world.faults.count("identify")
            world.receiver.deliver(AccessLost(reason))
            await world.clock.advance(1)
            assert world.faults.count("identify") == asked + 1
            assert world.is_healthy("slack")

    assert "unhealthy" not in [line["event"] for line in logs]


async def test_a_revoked_token_is_unhealthy_and_tried_again(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        world.faults.fail_before("identify", AuthenticationFailed("token_revoked", "reinstall the app"), times=1)
        world.receiver.deliver(AccessLost("tokens_revoked"))
        await world.clock.advance(1)
        assert world.check("slack").status == "the token is refused (token_revoked)"
        asked = world.faults.count("identify")
        await world.clock.advance(31)
        assert world.faults.count("identify") > asked
        assert world.is_healthy("slack")
