"""All parts of the pack together: start, outages, shutdown."""

import pytest

from application.supervisor import ChatAccessDenied
from domain.commands import SendMessage
from domain.errors import AuthenticationFailed, ChatRejected, StorageUnavailable, Unreachable, WorkflowUnreachable
from domain.events import Event, MessageSent, ReceivedMessage, SendMessageFailed
from domain.messages import IncomingMessage, OutgoingMessage
from tests.support.environment import World

REVOKED = AuthenticationFailed("token_revoked", "make a new one")
DOWN = WorkflowUnreachable("connection refused")


def echo(event: Event) -> list[SendMessage]:
    """A flow that echoes messages."""
    if not isinstance(event, ReceivedMessage):
        return []
    return [SendMessage(OutgoingMessage(event.message.channel_id, f"you said: {event.message.text}"))]


@pytest.fixture
async def world() -> World:
    world = World(echo)
    await world.join(world.c1, world.c2)
    return world


async def start_and_fail(world: World, seconds: float = 5) -> ChatAccessDenied:
    with pytest.raises(ExceptionGroup) as caught:
        async with world.killed_pack():
            await world.clock.advance(seconds)
    error: Exception = caught.value
    while isinstance(error, ExceptionGroup):
        (error,) = error.exceptions
    assert isinstance(error, ChatAccessDenied)
    return error


# Start


async def test_a_message_is_echoed_once(world: World) -> None:
    async with world.pack():
        world.chat.say("C1", "hello")
        await world.clock.advance(60)

    assert world.published_texts == ["hello"]
    assert world.texts == ["you said: hello"]
    (outcome, _) = next(iter(world.engine.outcomes.values()))
    assert isinstance(outcome, MessageSent)


async def test_all_checks_are_healthy_in_normal_operation(world: World) -> None:
    async with world.pack() as process:
        await world.clock.advance(1)
        assert process.health().is_healthy


async def test_an_authentication_error_at_start_is_fatal(world: World) -> None:
    world.faults.fail_before("identify", REVOKED)

    error = await start_and_fail(world)

    assert error.rejection is REVOKED
    assert not error.by_receiver


async def test_a_receiver_without_permission_is_fatal(world: World) -> None:
    refusal = ChatRejected("not_allowed_token_type", "use Socket Mode")
    world.receiver.deliver(refusal)

    error = await start_and_fail(world)

    assert error.rejection is refusal
    assert error.by_receiver


async def test_while_slack_is_unreachable_the_pack_registers_but_takes_no_action(world: World) -> None:
    world.faults.fail_before("identify", Unreachable("timeout", "no answer"))
    action = world.engine.enqueue(SendMessage(OutgoingMessage(world.c1, "hello")))

    async with world.pack():
        await world.clock.advance(1800)
        assert world.engine.pack is not None
        assert world.faults.count("take") == 0
        assert not world.is_healthy("slack")

        world.faults.lift("identify")
        assert isinstance(await world.answer(action, within=31), MessageSent)


async def test_while_flyte_is_unreachable_messages_are_received_and_stored(world: World) -> None:
    for method in ("register", "take", "publish", "in_hand"):
        world.faults.fail_before(method, DOWN)

    async with world.pack():
        message = world.chat.say("C1", "hello")
        await world.clock.advance(600)
        assert world.receiver.acknowledged == [message]
        assert not world.is_healthy("flyte")

        for method in ("register", "take", "publish", "in_hand"):
            world.faults.lift(method)
        await world.clock.advance(12)

    assert world.texts == ["you said: hello"]


async def test_with_a_revoked_token_actions_fail_at_once_and_the_pack_keeps_running(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        for method in ("post", "identify"):
            world.faults.fail_before(method, REVOKED)
        outcome = await world.outcome(SendMessage(OutgoingMessage(world.c1, "hello")))
        assert outcome == SendMessageFailed(OutgoingMessage(world.c1, "hello"), str(REVOKED))
        await world.clock.advance(120)
        assert not world.is_healthy("slack")

        for method in ("post", "identify"):
            world.faults.lift(method)
        await world.clock.advance(31)
        assert world.is_healthy("slack")
        assert isinstance(await world.outcome(SendMessage(OutgoingMessage(world.c1, "hello"))), MessageSent)


# Shutdown


async def test_shutdown_does_not_wait_for_pending_retries(world: World) -> None:
    async with world.pack():
        await world.clock.advance(1)
        world.faults.fail_before("post", Unreachable("timeout", "no answer"))
        world.faults.fail_before("complete", DOWN)
        world.chat.say("C1", "hello")
        await world.clock.advance(3)
        world.faults.fail_before("outbox.append", StorageUnavailable("disk full"))
        world.chat.say("C2", "hello")
        await world.clock.advance(3)


async def test_shutdown_works_during_the_start(world: World) -> None:
    for method in ("register", "in_hand"):
        world.faults.fail_before(method, DOWN)
    world.faults.fail_before("identify", Unreachable("timeout", "no answer"))

    async with world.pack():
        await world.clock.advance(5)


@pytest.mark.parametrize("kills", [1, 2, 5])
async def test_each_message_is_echoed_once_despite_repeated_kills(world: World, kills: int) -> None:
    for number in range(kills):
        async with world.killed_pack():
            world.receiver.redeliver()
            world.chat.say("C1", f"{number} in C1")
            world.chat.say("C2", f"{number} in C2")
            await world.clock.advance(0.001 * number)

    world.receiver.redeliver()
    async with world.pack():
        await world.clock.advance(30)

    expected = sorted(f"{number} in {channel}" for number in range(kills) for channel in ("C1", "C2"))
    assert sorted(world.published_texts) == expected
    assert sorted(world.texts) == [f"you said: {text}" for text in expected]
    assert all(isinstance(event, IncomingMessage) for event in world.receiver.acknowledged)
